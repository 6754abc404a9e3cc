// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import dev.meshcni.config.DirectoryValue;
import dev.meshcni.config.EnvironmentDefaults;
import dev.meshcni.config.LogLevels;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import picocli.CommandLine.Option;

/**
 * The options of {@code install-cni}. Each has an environment variable as well ({@link EnvironmentDefaults}); names and
 * defaults are those of Istio's install-cni where it has the option.
 */
final class DaemonOptions {
    @Option(
            names = "--pod-manifest-dir",
            paramLabel = "DIR",
            converter = DirectoryValue.class,
            description =
                    "Read pods from the Pod manifests in this directory (YAML or JSON) instead of the API server.")
    private Path podManifestDirectory;

    @Option(
            names = "--no-install",
            description = "Only answer the plugin; do not install or watch plugin and configuration.")
    private boolean noInstall;

    @Option(
            names = "--pod-wait-seconds",
            paramLabel = "N",
            defaultValue = "10",
            description = "How long an ADD waits for a pod that the API server has not reported yet. Default:"
                    + " ${DEFAULT-VALUE}.")
    private int podWaitSeconds;

    @Option(
            names = "--call-timeout-seconds",
            paramLabel = "N",
            defaultValue = "60",
            description = "Timeout of a plugin call. Default: ${DEFAULT-VALUE}.")
    private int callTimeoutSeconds;

    @Option(
            names = "--force-iptables-binary",
            paramLabel = "PROGRAM",
            defaultValue = "",
            description = {
                "iptables variant to use: nft, legacy, a name such as iptables-nft, or a path.",
                "Default: the first variant that works on this node."
            })
    private String iptables;

    /** The way in which the rules of iptables go into the kernel. */
    enum RulesBy {
        NETLINK,
        PROGRAMS
    }

    @Option(
            names = "--rules-by",
            paramLabel = "WAY",
            description = {
                "How iptables rules are written: ${COMPLETION-CANDIDATES}, case-insensitive. NETLINK is for the nft"
                        + " variant and starts no process; PROGRAMS are iptables-restore and iptables-save.",
                "Default: NETLINK where the kernel and the chosen variant support it, else PROGRAMS."
            })
    private RulesBy rulesBy;

    @Option(
            names = {"--log-level", "--log_output_level"},
            paramLabel = "LEVEL",
            defaultValue = "info",
            converter = LogLevelOption.class,
            description = {
                "Log level of the daemon: debug, info, warn, error, fatal or none; or levels by scope, as for Istio's"
                        + " CNI, such as all:warn or default:info,cni-agent:debug.",
                "The second name is that of Istio's install-cni. Default: ${DEFAULT-VALUE}."
            })
    private LogLevels logLevel;

    @Option(
            names = "--log-format",
            paramLabel = "FORMAT",
            defaultValue = "text",
            description = "Log format: ${COMPLETION-CANDIDATES}, case-insensitive. Default: ${DEFAULT-VALUE}.")
    private LogSetup.Format logFormat;

    Optional<Path> podManifestDirectory() {
        return Optional.ofNullable(podManifestDirectory);
    }

    boolean noInstall() {
        return noInstall;
    }

    Duration podWait() {
        return Duration.ofSeconds(podWaitSeconds);
    }

    Duration callTimeout() {
        return Duration.ofSeconds(callTimeoutSeconds);
    }

    /** The iptables that an operator chose; empty if none was. */
    Optional<String> iptables() {
        return Optional.of(iptables).filter(name -> !name.isBlank());
    }

    /** The way in which an operator wants rules to be written; empty if that was left to the daemon. */
    Optional<String> rulesBy() {
        return Optional.ofNullable(rulesBy).map(way -> way.name().toLowerCase(Locale.ROOT));
    }

    LogLevels.Level logLevel() {
        return logLevel.daemon();
    }

    LogSetup.Format logFormat() {
        return logFormat;
    }
}
