// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * The flags of Istio's install-cni that have no meaning here. A DaemonSet that was applied over Istio's, or that an
 * operator has written after it, may have them; without a daemon because of one, no pod of the node would start.
 */
final class IstioFlags {
    private static final Logger LOG = LoggerFactory.getLogger(IstioFlags.class);

    @Option(
            names = {
                "--cni-enable-install",
                "--cni-enable-reinstall",
                "--cni-event-address",
                "--cni-net-dir",
                "--cni-network-config",
                "--cni-network-config-file",
                "--ctrlz_address",
                "--ctrlz_port",
                "--kube-ca-file",
                "--kubecfg-file-name",
                "--kubeconfig-mode",
                "--log-uds-address",
                "--log_as_json",
                "--log_caller",
                "--log_rotate",
                "--log_rotate_max_age",
                "--log_rotate_max_backups",
                "--log_rotate_max_size",
                "--log_stacktrace_level",
                "--log_target",
                "--skip-cni-binaries",
                "--skip-tls-verify",
                "--update-cni-binaries",
                "--vklog"
            },
            arity = "0..1",
            paramLabel = "BOOL",
            fallbackValue = "",
            hidden = true)
    private List<String> values = List.of();

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    /** Says which of them were given. */
    void warn() {
        if (values.isEmpty()) {
            return;
        }
        List<String> own = List.of(command.findOption("--log_as_json").names());
        List<String> given = command.commandLine().getParseResult().originalArgs().stream()
                .filter(argument -> own.contains(argument.split("=", 2)[0]))
                .toList();
        if (!given.isEmpty()) {
            LOG.warn(
                    "ignored, because they are flags of Istio's install-cni without a meaning here: {}; log levels and"
                            + " formats are set with --log-level, --plugin-log-level and --log-format",
                    String.join(" ", given));
        }
    }
}
