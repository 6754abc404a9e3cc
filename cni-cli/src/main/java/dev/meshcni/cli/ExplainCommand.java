// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import dev.meshcni.kubernetes.PodManifests;
import dev.meshcni.redirect.Decision;
import dev.meshcni.redirect.ParameterText;
import dev.meshcni.redirect.Pod;
import dev.meshcni.redirect.RedirectParameters;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.InterfaceName;
import dev.meshcni.rules.InvalidParameterException;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.trace.Packet;
import dev.meshcni.trace.PacketExplanation;
import dev.meshcni.trace.PacketTrace;
import dev.meshcni.trace.PodNetwork;
import java.io.PrintWriter;
import java.net.InetAddress;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Tells what becomes of one connection, and why. */
@Command(
        name = "explain",
        description = "Trace a connection of a pod through its rules: the result, the rule that decides, and the"
                + " setting behind it. Sends no packets.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  meshcni explain web-0 -n shop --connect tcp:10.0.0.1:443",
            "  meshcni explain -f pod.yaml --connect udp:[fd00::a]:53 --uid 1337",
            "  meshcni explain -f pod.yaml --accept tcp:8080"
        })
final class ExplainCommand implements Runnable {
    private static final long APPLICATION_ID = 1000;

    /** The packet, seen from the pod. */
    static final class Direction {
        @Option(
                names = "--connect",
                required = true,
                paramLabel = "PROTOCOL:ADDRESS:PORT",
                description = "Destination of an outbound connection, such as tcp:10.0.0.1:443 or udp:[fd00::a]:53.")
        private String connect;

        @Option(
                names = "--accept",
                required = true,
                paramLabel = "PROTOCOL:PORT",
                description = "Port of an inbound connection, such as tcp:8080.")
        private String accept;
    }

    @Mixin
    private PodInput pod;

    @ArgGroup(multiplicity = "1")
    private Direction direction;

    @Option(
            names = "--uid",
            paramLabel = "UID",
            description = "With --connect: UID of the process. Default: that of the pod's first application"
                    + " container, else " + APPLICATION_ID + ".")
    private String uid;

    @Option(
            names = "--gid",
            paramLabel = "GID",
            description = "With --connect: GID of the process. Default: that of the container, else the UID.")
    private String gid;

    @Option(
            names = "--source",
            paramLabel = "IP",
            description = "With --accept: source address of the client. Default: an address outside the pod.")
    private String source;

    @Option(
            names = "--from-interface",
            paramLabel = "NAME",
            defaultValue = "eth0",
            description = "The pod's network interface. Default: ${DEFAULT-VALUE}.")
    private String device;

    @Option(
            names = "--pod-ip",
            paramLabel = "IP,...",
            description = "The pod's IP addresses. Default: those in its status, else placeholders.")
    private String podAddresses;

    @Mixin
    private FamilyOptions families;

    @Mixin
    private PolicyOptions policy;

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        PodManifests.Shown shown = pod.pod();
        Pod which = shown.pod();
        PrintWriter out = spec.commandLine().getOut();
        switch (policy.decide(which)) {
            case Decision.Redirect(RedirectParameters parameters) -> out.print(Columns.fit(explain(shown, parameters)));
            case Decision.Skip skip ->
                out.println("Traffic of " + which.qualifiedName() + " is not redirected: " + skip.detail() + ".");
        }
        out.flush();
    }

    private String explain(PodManifests.Shown shown, RedirectParameters parameters) {
        try {
            Pod which = shown.pod();
            List<InetAddress> known =
                    podAddresses == null ? shown.addresses() : ParameterText.addresses("option --pod-ip", podAddresses);
            RedirectPlan rules = families.plan(parameters, known);
            PodNetwork network = new PodNetwork(
                    interfaceName(), known.isEmpty() ? PodNetwork.standIn().addresses() : known);
            PacketTrace trace =
                    direction.connect != null ? connect(which, rules, network) : accept(parameters, rules, network);
            return PacketExplanation.of(trace).text()
                    + uncovered(rules, trace.packet().family());
        } catch (InvalidParameterException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        }
    }

    private PacketTrace connect(Pod which, RedirectPlan rules, PodNetwork network) {
        refuse("--source", source, "--accept");
        Endpoint endpoint = Endpoint.parse("option --connect", direction.connect);
        Packet packet = Packet.first(
                endpoint.protocol(), network.sourceFor(endpoint.address()), endpoint.address(), endpoint.port());
        Optional<Pod.Container> application = which.containers().stream()
                .filter(container -> !container.name().equals("istio-proxy"))
                .findFirst();
        long user = id("--uid", uid)
                .orElse(application
                        .map(Pod.Container::runAsUser)
                        .orElse(OptionalLong.empty())
                        .orElse(APPLICATION_ID));
        long group = id("--gid", gid)
                .orElse(application
                        .map(Pod.Container::runAsGroup)
                        .orElse(OptionalLong.empty())
                        .orElse(user));
        return PacketTrace.sent(rules, network, packet.sentBy(user, group));
    }

    private PacketTrace accept(RedirectParameters parameters, RedirectPlan rules, PodNetwork network) {
        refuse("--uid", uid, "--connect");
        refuse("--gid", gid, "--connect");
        Endpoint.Port port = Endpoint.Port.parse("option --accept", direction.accept);
        InetAddress from = source == null
                ? outsider(rules, parameters)
                : ParameterText.addresses("option --source", source).getFirst();
        if (network.isLocal(from)) {
            throw new InvalidParameterException(
                    "option --source",
                    source,
                    "it is an address of the pod itself; use --connect for traffic that the pod sends to itself");
        }
        InetAddress to = network.primary(Cidr.host(from).family());
        return PacketTrace.received(
                rules, network, interfaceName(), Packet.first(port.protocol(), from, to, port.number()));
    }

    /** A documentation address (RFC 5737, RFC 3849), of a family that is redirected. */
    private static InetAddress outsider(RedirectPlan rules, RedirectParameters parameters) {
        boolean ipv4 =
                rules.families().contains(IpFamily.IPV4) || parameters.proxy().dualStack();
        return InetAddress.ofLiteral(ipv4 ? "198.51.100.7" : "2001:db8:1::7");
    }

    private InterfaceName interfaceName() {
        return ParameterText.interfaces("option --from-interface", device).getFirst();
    }

    private static String uncovered(RedirectPlan rules, IpFamily family) {
        return rules.families().contains(family)
                ? ""
                : "\nThis result is for a pod whose " + family.label()
                        + " traffic is not redirected, because its proxy does not listen on that family. For"
                        + " another pod, set --pod-ip or --ip-families ipv4,ipv6.\n";
    }

    private void refuse(String option, String value, String other) {
        if (value != null) {
            throw new ParameterException(spec.commandLine(), option + " can only be used with " + other);
        }
    }

    private static OptionalLong id(String option, String text) {
        return text == null
                ? OptionalLong.empty()
                : OptionalLong.of(ParameterText.ids("option " + option, text).getFirst());
    }
}
