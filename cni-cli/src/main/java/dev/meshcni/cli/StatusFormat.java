// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.api.CniJson;
import dev.meshcni.doctor.ClusterStatus;
import dev.meshcni.doctor.ClusterStatus.Daemon;
import dev.meshcni.doctor.ClusterStatus.NodeState;
import dev.meshcni.telemetry.AgentStatus;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The forms in which the state of an installation is printed. */
final class StatusFormat {
    private static final String NOTHING = "-";

    private StatusFormat() {}

    /** A few lines about the whole, and a table with a row for each node. */
    static String text(ClusterStatus status) {
        StringBuilder text = new StringBuilder();
        text.append("Cluster:    ").append(status.server()).append('\n');
        text.append("DaemonSet:  ").append(daemonSet(status)).append('\n');
        text.append("Mesh pods:  ").append(status.meshPods());
        if (status.unredirected() > 0) {
            text.append(", ").append(status.unredirected()).append(" of them stopped because they are not redirected");
        }
        text.append("\n\n");
        List<List<String>> rows = new ArrayList<>();
        rows.add(List.of("NODE", "DAEMON", "VERSION", "BACKEND", "BASE CNI", "MESH PODS"));
        status.nodes().forEach(node -> rows.add(row(node)));
        text.append(table(rows));
        status.nodes()
                .forEach(node -> Stream.concat(reason(node).stream(), successor(node).stream())
                        .forEach(why -> text.append('\n')
                                .append(node.name())
                                .append(": ")
                                .append(why)));
        status.problems().forEach(problem -> text.append("\nunknown ").append(problem));
        if (!status.isReady()) {
            text.append("\nNot ready. For causes and remedies: meshcni doctor --cluster\n");
        }
        return text.toString();
    }

    /** The same for programs; docs/troubleshooting.md has the fields. */
    static String json(ClusterStatus status) {
        ObjectNode root = JsonNodeFactory.instance.objectNode();
        root.put("version", 1).put("server", status.server()).put("ready", status.isReady());
        status.daemonSet()
                .ifPresent(set -> root.putObject("daemonSet")
                        .put("name", set.name())
                        .put("desired", set.desired())
                        .put("ready", set.ready())
                        .put("updated", set.updated()));
        root.put("meshPods", status.meshPods()).put("unredirectedPods", status.unredirected());
        ArrayNode nodes = root.putArray("nodes");
        for (NodeState node : status.nodes()) {
            ObjectNode json = nodes.addObject();
            json.put("name", node.name()).put("daemon", label(node.daemon()));
            reason(node).ifPresent(why -> json.put("reason", why));
            node.successor().ifPresent(why -> json.put("successor", why));
            node.agent()
                    .ifPresent(agent -> json.put("version", agent.version())
                            .put("backend", agent.backend())
                            .put("baseCni", baseCni(agent)));
            json.put("meshPods", node.meshPods()).put("unredirectedPods", node.unredirected());
        }
        status.problems().forEach(root.putArray("problems")::add);
        return CniJson.pretty(root) + "\n";
    }

    /** One line about what is still missing. */
    static String progress(ClusterStatus status) {
        return "DaemonSet " + daemonSet(status)
                + status.nodes().stream()
                        .flatMap(node -> Stream.concat(
                                        reason(node).filter(_ -> node.daemon() instanceof Daemon.NotReady).stream(),
                                        successor(node).stream())
                                .map(why -> "; " + node.name() + ": " + why))
                        .limit(3)
                        .collect(Collectors.joining());
    }

    private static String daemonSet(ClusterStatus status) {
        return status.daemonSet()
                .map(set -> set.name() + ", of " + set.desired() + (set.desired() == 1 ? " pod " : " pods ")
                        + set.ready() + " ready, " + set.updated() + " up to date")
                .orElseGet(() -> "istio-cni-node not found"
                        + status.namespace()
                                .map(name -> " in namespace " + name)
                                .orElse(""));
    }

    private static List<String> row(NodeState node) {
        return List.of(
                node.name(),
                label(node.daemon()),
                node.agent()
                        .map(AgentStatus::version)
                        .filter(text -> !text.isEmpty())
                        .orElse(NOTHING),
                node.agent()
                        .map(AgentStatus::backend)
                        .filter(text -> !text.isEmpty())
                        .orElse(NOTHING),
                node.agent().map(StatusFormat::baseCni).orElse(NOTHING),
                node.meshPods() + (node.unredirected() > 0 ? " (" + node.unredirected() + " stopped)" : ""));
    }

    private static String baseCni(AgentStatus agent) {
        return agent.installation()
                .filter(found -> !found.baseCni().isEmpty())
                .map(found -> found.baseCni() + (found.chained() ? ", chained" : ", separate"))
                .orElse(NOTHING);
    }

    private static String label(Daemon daemon) {
        return switch (daemon) {
            case Daemon.Ready _ -> "ready";
            case Daemon.NotReady _ -> "not ready";
            case Daemon.Unknown _ -> "unknown";
            case Daemon.Absent _ -> "none";
        };
    }

    private static Optional<String> reason(NodeState node) {
        return switch (node.daemon()) {
            case Daemon.NotReady(String why) -> Optional.of(why);
            case Daemon.Unknown(String why) -> Optional.of(why);
            case Daemon.Ready _, Daemon.Absent _ -> Optional.empty();
        };
    }

    private static Optional<String> successor(NodeState node) {
        return node.successor().map(why -> "the pod that replaces its daemon does not start: " + why);
    }

    private static String table(List<List<String>> rows) {
        int columns = rows.getFirst().size();
        int[] widths = new int[columns];
        rows.forEach(row -> {
            for (int i = 0; i < columns; i++) {
                widths[i] = Math.max(widths[i], row.get(i).length());
            }
        });
        StringBuilder text = new StringBuilder();
        for (List<String> row : rows) {
            StringBuilder line = new StringBuilder();
            for (int i = 0; i < columns; i++) {
                line.append(row.get(i)).append(" ".repeat(widths[i] - row.get(i).length() + 2));
            }
            text.append(line.toString().stripTrailing()).append('\n');
        }
        return text.toString();
    }
}
