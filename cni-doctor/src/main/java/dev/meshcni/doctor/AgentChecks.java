// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.doctor;

import dev.meshcni.api.conf.Finding;
import dev.meshcni.config.ProductVersion;
import dev.meshcni.telemetry.AgentStatus;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodCondition;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeMount;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * The state of each node as reported by its daemon: the base CNI, the chain adapter that answers for it, directories,
 * and what does not go together. Nodes that are alike share a line.
 */
final class AgentChecks {
    private AgentChecks() {}

    static List<Check> of(ClusterView view, AgentStatuses statuses) {
        String subject = "the base CNI of the nodes";
        return view.daemonSets().checks(subject, _ -> view.pods().checks(subject, _ -> of(statuses)));
    }

    private static List<Check> of(AgentStatuses statuses) {
        Map<Check, List<String>> nodesByCheck = new TreeMap<>(
                Comparator.comparing(Check::verdict).thenComparing(Check::what).thenComparing(Check::remedy));
        statuses.all()
                .forEach(agent -> of(agent)
                        .forEach(check -> nodesByCheck
                                .computeIfAbsent(check, _ -> new ArrayList<>())
                                .add(agent.node())));
        return nodesByCheck.entrySet().stream()
                .map(entry -> on(entry.getKey(), entry.getValue()))
                .toList();
    }

    /** Returns whether the kubelet holds a pod for ready. */
    static boolean isReady(Pod pod) {
        return pod.getStatus() != null
                && Objects.requireNonNullElse(pod.getStatus().getConditions(), List.<PodCondition>of()).stream()
                        .anyMatch(condition ->
                                "Ready".equals(condition.getType()) && "True".equals(condition.getStatus()));
    }

    private static Check on(Check check, List<String> nodes) {
        String where = (nodes.size() == 1 ? "node " : nodes.size() + " nodes, ") + Names.few(nodes) + ": ";
        return new Check(check.verdict(), where + check.what(), check.remedy());
    }

    private static List<Check> of(AgentStatuses.OfNode agent) {
        return agent.status().checks("state of the daemon and base CNI", status -> of(agent.pod(), status));
    }

    private static List<Check> of(Pod pod, AgentStatus status) {
        List<Check> checks = new ArrayList<>();
        status.notReady()
                .ifPresent(reason -> checks.add(Check.error(
                        "the daemon is not ready: " + reason, "docs/troubleshooting.md, \"The daemon is not ready\"")));
        if (!status.version().equals(ProductVersion.text())) {
            checks.add(Check.warning(
                    "the daemon is version " + status.version() + ", this meshcni " + ProductVersion.text(),
                    "use the meshcni of that version, or upgrade: docs/upgrade.md"));
        }
        checks.add(status.installation()
                .map(found -> installation(pod, found, status.backend()))
                .orElseGet(() -> Check.warning(
                        "the daemon runs with --no-install and installs nothing",
                        "remove the option, which is for tests only")));
        status.findings().stream().map(AgentChecks::finding).forEach(checks::add);
        return checks;
    }

    private static Check installation(Pod pod, AgentStatus.Installation found, String backend) {
        String directories = "; configuration in " + onHost(pod, found.confDir()) + ", plugins in " + found.binDir()
                + "; redirection backend " + backend;
        if (found.adapter().isEmpty() || (found.baseCni().isEmpty() && found.chained())) {
            return Check.error(
                    "no base CNI found" + directories,
                    "install the base CNI, or correct cniConfDir: docs/install.md, \"Platforms\"");
        }
        String base = found.baseCni().isEmpty() ? "none found" : found.baseCni();
        return Check.ok("base CNI " + base + ", chain adapter " + found.adapter() + ", "
                + (found.chained() ? "chained in " : "unchained in ") + found.file() + directories);
    }

    private static Check finding(Finding finding) {
        return switch (finding.severity()) {
            case INFO -> Check.ok(finding.what());
            case WARNING -> Check.warning(finding.what(), finding.remedy());
            case ERROR -> Check.error(finding.what(), finding.remedy());
        };
    }

    /** A directory of the daemon's container as the node has it. */
    private static String onHost(Pod pod, String directory) {
        Map<String, String> hostPaths =
                Objects.requireNonNullElse(pod.getSpec().getVolumes(), List.<Volume>of()).stream()
                        .filter(volume -> volume.getHostPath() != null)
                        .collect(Collectors.toMap(
                                Volume::getName, volume -> volume.getHostPath().getPath(), (first, _) -> first));
        return pod.getSpec().getContainers().stream()
                .map(Container::getVolumeMounts)
                .flatMap(mounts -> Objects.requireNonNullElse(mounts, List.<VolumeMount>of()).stream())
                .filter(mount -> directory.equals(mount.getMountPath()))
                .flatMap(mount -> Optional.ofNullable(hostPaths.get(mount.getName())).stream())
                .findFirst()
                .orElse(directory);
    }
}
