package dev.meshcni.cli;

import dev.meshcni.core.InvalidParameterException;
import dev.meshcni.core.IpFamily;
import dev.meshcni.core.RedirectParameters;
import dev.meshcni.core.RuleCompiler;
import java.io.PrintWriter;
import java.util.EnumSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Sets up the redirection from inside the pod, or on a virtual machine: what Istio's {@code istio-iptables} does. */
@Command(
        name = "iptables",
        description = "Redirect the traffic of this network namespace, as an init container or on a virtual machine."
                + " Takes the flags, variables and defaults of istio-iptables.")
final class IptablesCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    private final Map<String, String> environment;

    private IptablesCommand(Map<String, String> environment) {
        this.environment = environment;
    }

    static CommandLine commandLine(Map<String, String> environment) {
        CommandLine commandLine = new CommandLine(new IptablesCommand(environment));
        IptablesFlag.addTo(commandLine.getCommandSpec(), EnumSet.allOf(IptablesFlag.class));
        return commandLine;
    }

    @Override
    public Integer call() {
        Settings settings = new Settings(spec.commandLine().getParseResult(), environment);
        try {
            RedirectParameters parameters =
                    new TrafficSettings(settings, Accounts.ofSystem(), Optional.empty()).parameters();
            PrintWriter out = spec.commandLine().getOut();
            out.print(PlanFormat.iptables.plan(RuleCompiler.compile(parameters, families(settings, parameters))));
            out.flush();
            return CommandLine.ExitCode.OK;
        } catch (InvalidParameterException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        }
    }

    private static Set<IpFamily> families(Settings settings, RedirectParameters parameters) {
        return settings.nonEmptyText(IptablesFlag.FAMILIES)
                .map(setting ->
                        FamilyList.parse(setting.where(), setting.text()).families())
                .orElseGet(() -> parameters.dualStack() ? EnumSet.allOf(IpFamily.class) : EnumSet.of(IpFamily.IPV4));
    }
}
