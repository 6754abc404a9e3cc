// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.iptables;

import dev.meshcni.core.Backends;
import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.netns.linux.HostPaths;
import dev.meshcni.netns.linux.IptablesBackend;
import dev.meshcni.redirect.IpFamilies;
import dev.meshcni.redirect.RedirectParameters;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.redirect.RuleCompiler;
import dev.meshcni.rules.InvalidParameterException;
import dev.meshcni.rules.IpFamily;
import java.io.PrintWriter;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * Sets up the redirection from inside the pod, or on a virtual machine: what Istio's {@code istio-iptables} does.
 *
 * <p>A dry run depends on nothing but its flags, its variables and the names of users and groups, so that its output
 * can be compared between machines: it looks neither at addresses nor at {@code /etc/resolv.conf}.
 */
@Command(
        name = "iptables",
        description = {
            "Redirect the traffic of this network namespace, in an init container or on a virtual machine.",
            "",
            "Accepts the flags, environment variables and defaults of istio-iptables. Each flag is also an"
                    + " environment variable: its name in upper case with _ for -, such as ISTIO_INBOUND_PORTS."
                    + " ISTIO_OUTBOUND_OWNER_GROUPS,"
                    + " ISTIO_OUTBOUND_OWNER_GROUPS_EXCLUDE (groups by number or name) and"
                    + " ISTIO_OUTBOUND_IPV4_LOOPBACK_CIDR are variables only."
        },
        exitCodeList = {
            "0:ok",
            "1:failed; the network namespace is unchanged",
            "2:usage error",
            "126:--run-validation found traffic that is not redirected"
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  meshcni iptables -b '*' -i '*' -d 15090,15021,15020",
            "  meshcni iptables -b '*' -i '*' --dry-run --ip-families ipv4,ipv6",
            "  meshcni iptables --cleanup-only"
        })
public final class IptablesCommand implements Callable<Integer> {
    private static final Logger LOG = System.getLogger(IptablesCommand.class.getName());

    @Spec
    private CommandSpec spec;

    private final Map<String, String> environment;

    private IptablesCommand(Map<String, String> environment) {
        this.environment = Map.copyOf(environment);
    }

    /** The command, which takes variables of this environment for flags. */
    public static CommandLine commandLine(Map<String, String> environment) {
        CommandLine commandLine = new CommandLine(new IptablesCommand(environment));
        IptablesFlag.addTo(commandLine.getCommandSpec(), EnumSet.allOf(IptablesFlag.class));
        return commandLine;
    }

    @Override
    public Integer call() {
        Settings settings = new Settings(spec.commandLine().getParseResult(), environment);
        try {
            return run(settings);
        } catch (InvalidParameterException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        }
    }

    private int run(Settings settings) {
        if (settings.isEmpty()) {
            throw new ParameterException(
                    spec.commandLine(), "nothing to redirect: name ports and destinations, as in -b '*' -i '*'");
        }
        warn(settings);
        if (settings.isOn(IptablesFlag.RUN_VALIDATION)
                && settings.nonEmptyText(IptablesFlag.NETWORK_NAMESPACE).isPresent()) {
            throw new ParameterException(
                    spec.commandLine(), "--run-validation only supports the network namespace of this process");
        }
        if (settings.isOn(IptablesFlag.DRY_RUN)) {
            printRules(settings);
            return CommandLine.ExitCode.OK;
        }
        if (settings.isOn(IptablesFlag.CLEANUP_ONLY)) {
            namespace(settings).cleanUp();
            return CommandLine.ExitCode.OK;
        }
        RedirectParameters parameters = new TrafficSettings(settings, HostDefaults.ofSystem()).parameters();
        if (!settings.isOn(IptablesFlag.SKIP_RULE_APPLY)) {
            Namespace namespace = namespace(settings);
            Set<IpFamily> families = families(settings)
                    .orElseGet(() -> IpFamilies.choose(
                                    namespace.addresses(), parameters.proxy().dualStack())
                            .families());
            boolean replace = settings.isOn(IptablesFlag.RECONCILE) || settings.isOn(IptablesFlag.FORCE_APPLY);
            namespace.apply(RuleCompiler.compile(parameters, families), replace);
        }
        return settings.isOn(IptablesFlag.RUN_VALIDATION)
                ? new Validation(settings, backend(settings), spec.commandLine()).run(parameters)
                : CommandLine.ExitCode.OK;
    }

    private void printRules(Settings settings) {
        if (settings.isOn(IptablesFlag.CLEANUP_ONLY)) {
            LOG.log(Level.WARNING, "--dry-run has no rules to show with --cleanup-only");
            return;
        }
        RedirectParameters parameters = new TrafficSettings(settings, HostDefaults.ofDryRun()).parameters();
        Set<IpFamily> families = families(settings)
                .orElseGet(() ->
                        parameters.proxy().dualStack() ? EnumSet.allOf(IpFamily.class) : EnumSet.of(IpFamily.IPV4));
        RedirectPlan plan = RuleCompiler.compile(parameters, families);
        PrintWriter out = spec.commandLine().getOut();
        out.print((settings.isOn(IptablesFlag.NATIVE_NFTABLES) ? PlanFormat.nft : PlanFormat.iptables).plan(plan));
        out.flush();
        plan.localAddresses()
                .forEach(address ->
                        LOG.log(Level.INFO, "in addition to the rules, address {0} is added to lo", address));
        plan.routing()
                .ifPresent(routing -> LOG.log(
                        Level.INFO,
                        "in addition to the rules, policy routing delivers marked packets locally: {0}",
                        routing));
    }

    private void warn(Settings settings) {
        for (IptablesFlag flag : IptablesFlag.values()) {
            if (flag.kind() == IptablesFlag.Kind.WITHOUT_EFFECT
                    && settings.text(flag).isPresent()) {
                LOG.log(Level.WARNING, "option {0} has no effect", flag.longName());
            }
        }
    }

    private static Namespace namespace(Settings settings) {
        Path path = settings.nonEmptyText(IptablesFlag.NETWORK_NAMESPACE)
                .map(setting -> Path.of(setting.text()))
                .orElse(Namespace.OWN);
        return new Namespace(backend(settings), path);
    }

    /** The backend that applies and reads rules, as selected by flags and variables. */
    static RedirectBackend backend(Settings settings) {
        if (settings.isOn(IptablesFlag.NATIVE_NFTABLES)) {
            return Backends.of(ServiceLoader.load(RedirectBackend.class)).named(Backends.NFTABLES);
        }
        String forced = settings.nonEmptyText(IptablesFlag.FORCE_IPTABLES_BINARY)
                .map(Settings.Setting::text)
                .orElse(settings.isOn(IptablesFlag.FORCE_LEGACY_IPTABLES) ? "legacy" : "");
        return new IptablesBackend(forced, HostPaths.standard());
    }

    /** The families that are named. */
    static Optional<Set<IpFamily>> families(Settings settings) {
        return settings.nonEmptyText(IptablesFlag.FAMILIES)
                .map(setting ->
                        FamilyList.parse(setting.where(), setting.text()).families());
    }
}
