// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.iptables;

import static java.util.Objects.requireNonNull;

import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.iptables.TrafficFinding.Result;
import dev.meshcni.redirect.DnsCapture;
import dev.meshcni.redirect.IpFamilies;
import dev.meshcni.redirect.ParameterText;
import dev.meshcni.redirect.RedirectParameters;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.redirect.RuleCompiler;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.TransportProtocol;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import picocli.CommandLine;

/**
 * Validates the namespace of this process, and prints what was found: {@code validate} and {@code --run-validation}.
 */
final class Validation {
    /** The exit code of Istio's validation, which its repair looks for. */
    static final int NOT_REDIRECTED = 126;

    private static final int PROBE_PORT = 15002;

    private final Settings settings;
    private final RedirectBackend backend;
    private final CommandLine command;

    Validation(Settings settings, RedirectBackend backend, CommandLine command) {
        this.settings = requireNonNull(settings, "settings is null");
        this.backend = requireNonNull(backend, "backend is null");
        this.command = requireNonNull(command, "command is null");
    }

    /** Validates, and returns the exit code. */
    int run(RedirectParameters parameters) {
        int probePort = settings.nonEmptyText(IptablesFlag.PROBE_PORT)
                .map(setting -> ParameterText.port(setting.where(), setting.text()))
                .orElse(PROBE_PORT);
        Duration timeout = settings.nonEmptyText(IptablesFlag.PROBE_TIMEOUT)
                .map(setting -> DurationText.parse(setting.where(), setting.text()))
                .orElse(Duration.ofSeconds(5));
        List<InetAddress> addresses = ownAddresses();
        RedirectPlan plan = RuleCompiler.compile(
                parameters,
                IptablesCommand.families(settings)
                        .orElseGet(() -> IpFamilies.choose(
                                        addresses, parameters.proxy().dualStack())
                                .families()));
        ProcessRights rights = ProcessRights.own();
        try (ProbeListeners listeners = new ProbeListeners()) {
            plan.families().forEach(family -> listen(listeners, family, parameters, probePort));
            listeners.start();
            RedirectionValidator validator = new RedirectionValidator(
                    parameters, plan, addresses, rights, probePort, new ProbeSender(listeners, rights, timeout));
            return report(validator.validate(() -> new Namespace(backend, Namespace.OWN).differences(plan)));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return CommandLine.ExitCode.SOFTWARE;
        }
    }

    private int report(List<TrafficFinding> findings) {
        PrintWriter out = command.getOut();
        findings.forEach(out::println);
        out.flush();
        List<String> missing = findings.stream()
                .filter(finding -> finding.result() == Result.NOT_REDIRECTED)
                .map(TrafficFinding::subject)
                .toList();
        if (!missing.isEmpty()) {
            command.getErr().println(remedy(missing));
            return NOT_REDIRECTED;
        }
        if (findings.stream().noneMatch(finding -> finding.result() == Result.REDIRECTED)) {
            command.getErr().println("Nothing could be tested, so the result is unknown.");
            return CommandLine.ExitCode.SOFTWARE;
        }
        return CommandLine.ExitCode.OK;
    }

    private static String remedy(List<String> missing) {
        return "Not redirected to the proxy: " + String.join(", ", missing)
                + " traffic. The pod must not run without redirection.\n"
                + "Usually the pod was started before istio-cni was ready on its node. If repair is enabled, the"
                + " pod is repaired or deleted automatically; otherwise delete it, so that it is recreated. If the"
                + " problem persists, check the log of istio-cni-node on the pod's node, and run \"meshcni verify\""
                + " there.";
    }

    private static void listen(
            ProbeListeners listeners, IpFamily family, RedirectParameters parameters, int probePort) {
        InetAddress loopback = InetAddress.ofLiteral(family == IpFamily.IPV4 ? "127.0.0.1" : "::1");
        Set<Integer> ports = new TreeSet<>(Set.of(parameters.proxy().outboundPort()));
        ports.add(parameters.proxy().inboundPort());
        ports.add(probePort);
        if (parameters.dns().active()) {
            ports.add(DnsCapture.AGENT_PORT);
            listeners.listen(TransportProtocol.UDP, loopback, DnsCapture.AGENT_PORT);
        }
        ports.forEach(port -> listeners.listen(TransportProtocol.TCP, loopback, port));
    }

    /** The addresses of this pod, those of IPv4 first as the kernel lists them; Java does not keep to that order. */
    private static List<InetAddress> ownAddresses() {
        try {
            return NetworkInterface.networkInterfaces()
                    .flatMap(NetworkInterface::inetAddresses)
                    .filter(address -> !address.isLoopbackAddress() && !address.isLinkLocalAddress())
                    .sorted(Comparator.comparingInt(address -> address.getAddress().length))
                    .toList();
        } catch (SocketException e) {
            throw new UncheckedIOException("cannot read the addresses of this pod", e);
        }
    }
}
