// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.api.CniJson;
import dev.meshcni.kubernetes.PodManifests;
import dev.meshcni.redirect.AmbientOptions;
import dev.meshcni.redirect.Decision;
import dev.meshcni.redirect.ParameterText;
import dev.meshcni.redirect.Pod;
import dev.meshcni.redirect.RedirectParameters;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.InterfaceName;
import dev.meshcni.rules.InvalidParameterException;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.trace.AmbientPath;
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
        customSynopsis = "meshcni explain [OPTIONS] (--connect=DESTINATION | --accept=PORT) [POD]",
        description = "Trace a connection of a pod through its rules: the result, the rule that decides, and the"
                + " setting behind it. Sends no packets.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  meshcni explain web-0 -n shop --connect tcp:10.0.0.1:443",
            "  meshcni explain -f pod.yaml --connect udp:[fd00::a]:53 --uid 1337",
            "  meshcni explain -f pod.yaml --accept tcp:8080 -o json",
            "  meshcni explain -f pod.yaml --ambient --accept tcp:8080 --source 169.254.7.127"
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
            names = "--mark",
            paramLabel = "MARK",
            description = "With --connect: mark of the packets, such as 0x539, which ztunnel sets. Default: none.")
    private String mark;

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
    private OutputOption output;

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
        String answer = switch (policy.wanted(which)) {
            case Wanted.Sidecar(RedirectParameters parameters) -> explain(shown, parameters);
            case Wanted.Ambient(AmbientOptions options) -> explain(shown, options);
            case Wanted.Nothing(Decision.Skip skip) -> skipped(which, skip);
        };
        out.print(
                switch (output.form()) {
                    case text -> Columns.fit(answer);
                    case json -> answer;
                });
        out.flush();
    }

    private String skipped(Pod which, Decision.Skip skip) {
        return switch (output.form()) {
            case text -> "Traffic of " + which.qualifiedName() + " is not redirected: " + skip.detail() + ".\n";
            case json ->
                CniJson.pretty(json(which)
                                .put("decision", "skip")
                                .put("reason", skip.reason().label())
                                .put("detail", skip.detail()))
                        + "\n";
        };
    }

    private static ObjectNode json(Pod which) {
        return JsonNodeFactory.instance.objectNode().put("version", 1).put("pod", which.qualifiedName());
    }

    private String explain(PodManifests.Shown shown, RedirectParameters parameters) {
        try {
            RedirectPlan rules = families.plan(parameters, known(shown));
            PacketTrace trace = trace(shown, rules, parameters.proxy().dualStack());
            return switch (output.form()) {
                case text ->
                    PacketExplanation.of(trace).text()
                            + uncovered(rules, trace.packet().family());
                case json -> {
                    ObjectNode node = json(shown.pod()).put("decision", "redirect");
                    node.put(
                            "familyRedirected",
                            rules.families().contains(trace.packet().family()));
                    TraceJson.write(trace, node);
                    yield CniJson.pretty(node) + "\n";
                }
            };
        } catch (InvalidParameterException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        }
    }

    private String explain(PodManifests.Shown shown, AmbientOptions options) {
        try {
            PacketTrace trace = trace(shown, families.plan(options, known(shown)), true);
            String path = AmbientPath.of(trace, options).description();
            return switch (output.form()) {
                case text ->
                    Columns.fit("Ambient pod: " + path + ".\n"
                            + PacketExplanation.of(trace).text());
                case json -> {
                    ObjectNode node =
                            json(shown.pod()).put("decision", "ambient").put("path", path);
                    TraceJson.write(trace, node);
                    yield CniJson.pretty(node) + "\n";
                }
            };
        } catch (InvalidParameterException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        }
    }

    private List<InetAddress> known(PodManifests.Shown shown) {
        return podAddresses == null ? shown.addresses() : ParameterText.addresses("option --pod-ip", podAddresses);
    }

    private PacketTrace trace(PodManifests.Shown shown, RedirectPlan rules, boolean dualStack) {
        List<InetAddress> known = known(shown);
        PodNetwork network = new PodNetwork(
                interfaceName(), known.isEmpty() ? PodNetwork.standIn().addresses() : known);
        return direction.connect != null ? connect(shown.pod(), rules, network) : accept(dualStack, rules, network);
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
        return PacketTrace.sent(rules, network, packet.sentBy(user, group).marked(number(mark), 0));
    }

    private PacketTrace accept(boolean dualStack, RedirectPlan rules, PodNetwork network) {
        refuse("--uid", uid, "--connect");
        refuse("--gid", gid, "--connect");
        refuse("--mark", mark, "--connect");
        Endpoint.Port port = Endpoint.Port.parse("option --accept", direction.accept);
        InetAddress from = source == null
                ? outsider(rules, dualStack)
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
    private static InetAddress outsider(RedirectPlan rules, boolean dualStack) {
        boolean ipv4 = rules.families().contains(IpFamily.IPV4) || dualStack;
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

    private static int number(String mark) {
        return mark == null ? 0 : (int) ParameterText.hexOrDecimal("option --mark", mark);
    }

    private static OptionalLong id(String option, String text) {
        return text == null
                ? OptionalLong.empty()
                : OptionalLong.of(ParameterText.ids("option " + option, text).getFirst());
    }
}
