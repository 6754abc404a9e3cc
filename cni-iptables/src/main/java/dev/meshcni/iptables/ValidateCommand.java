// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.iptables;

import dev.meshcni.rules.InvalidParameterException;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Tests, from inside the pod and before the proxy starts, whether its traffic is redirected. */
@Command(
        name = "validate",
        description = {
            "Test in the pod, before its proxy starts, that its traffic is redirected, like istio-validation.",
            "",
            "Listens on the ports of the proxy, connects to addresses of the pod itself, and checks where the"
                    + " connections arrive. As the proxy's user it tests outbound traffic; as another user,"
                    + " captured DNS; as root both, and with NET_ADMIN inbound traffic too. Accepts the flags and"
                    + " environment variables of \"meshcni iptables\", but by default expects all ports and"
                    + " destinations to be redirected."
        },
        exitCodeList = {
            "0:all tested traffic is redirected",
            "1:failed, or nothing could be tested",
            "2:usage error",
            "126:some traffic is not redirected; standard error has details and a remedy"
        },
        footerHeading = "%nExamples:%n",
        footer = {"  meshcni validate", "  meshcni validate --redirect-dns --capture-all-dns --probe-timeout 10s"})
public final class ValidateCommand implements Callable<Integer> {
    private static final Set<IptablesFlag> NOT_FOR_VALIDATION = EnumSet.of(
            IptablesFlag.NETWORK_NAMESPACE,
            IptablesFlag.DRY_RUN,
            IptablesFlag.SKIP_RULE_APPLY,
            IptablesFlag.RUN_VALIDATION,
            IptablesFlag.RECONCILE,
            IptablesFlag.CLEANUP_ONLY,
            IptablesFlag.FORCE_APPLY);

    @Spec
    private CommandSpec spec;

    private final Map<String, String> environment;

    private ValidateCommand(Map<String, String> environment) {
        this.environment = Map.copyOf(environment);
    }

    /** The command, which takes variables of this environment for flags. */
    public static CommandLine commandLine(Map<String, String> environment) {
        CommandLine commandLine = new CommandLine(new ValidateCommand(environment));
        EnumSet<IptablesFlag> flags = EnumSet.allOf(IptablesFlag.class);
        flags.removeAll(NOT_FOR_VALIDATION);
        IptablesFlag.addTo(commandLine.getCommandSpec(), flags);
        return commandLine;
    }

    @Override
    public Integer call() {
        Settings settings = new Settings(spec.commandLine().getParseResult(), environment);
        try {
            TrafficSettings traffic = new TrafficSettings(settings, HostDefaults.ofSystem()).allByDefault();
            return new Validation(settings, IptablesCommand.backend(settings), spec.commandLine())
                    .run(traffic.parameters());
        } catch (InvalidParameterException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        }
    }
}
