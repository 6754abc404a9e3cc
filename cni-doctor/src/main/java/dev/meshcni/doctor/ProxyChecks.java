// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.doctor;

import dev.meshcni.kubernetes.ProxyVersion;
import dev.meshcni.repair.RepairSettings;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * The pods of the mesh: the versions of their proxies, and whether something stands in the way of their redirection.
 */
final class ProxyChecks {
    private ProxyChecks() {}

    static List<Check> of(ClusterView view) {
        return view.pods().checks("proxies of the mesh", pods -> of(pods, view));
    }

    private static List<Check> of(List<ClusterPod> pods, ClusterView view) {
        List<ClusterPod> proxies = pods.stream()
                .filter(ClusterPod::isLive)
                .filter(pod -> !pod.mesh().proxyImage().isEmpty())
                .toList();
        if (proxies.isEmpty()) {
            return List.of(Check.ok("no pod with a proxy found"));
        }
        List<Check> checks = new ArrayList<>(versions(proxies));
        stillInit(proxies, view).ifPresent(checks::add);
        trouble(
                        proxies,
                        ClusterPod::failsValidation,
                        "stopped by istio-validation, because their traffic is not redirected",
                        "repair fixes them, or reports the reason in its log and in pod events: docs/repair.md")
                .ifPresent(checks::add);
        trouble(
                        proxies,
                        pod -> pod.mesh().pod().labels().containsKey(RepairSettings.LABEL_KEY),
                        "labelled " + RepairSettings.LABEL_KEY + ", because they run without redirection",
                        "delete them, so that their controllers replace them")
                .ifPresent(checks::add);
        return checks;
    }

    private static List<Check> versions(List<ClusterPod> proxies) {
        Map<Optional<ProxyVersion>, List<String>> byVersion = proxies.stream()
                .collect(Collectors.groupingBy(
                        pod -> ProxyVersion.ofImage(pod.mesh().proxyImage()),
                        () -> new TreeMap<>(ProxyVersion.BY_AGE),
                        Collectors.mapping(ClusterPod::key, Collectors.toList())));
        List<Check> checks = new ArrayList<>();
        byVersion.forEach((version, pods) -> checks.add(version.map(known -> version(known, pods))
                .orElseGet(() -> Check.unknown(
                        "the images of " + Names.count(pods.size(), "proxy", "proxies") + " have no version in"
                                + " their tag ("
                                + Names.few(pods) + ")",
                        "make sure that they are " + ProxyVersion.RANGE))));
        return checks;
    }

    private static Check version(ProxyVersion version, List<String> pods) {
        String what = Names.count(pods.size(), "proxy", "proxies") + " of Istio " + version;
        return version.withinSkew()
                ? Check.ok(what + "; this build supports " + ProxyVersion.RANGE)
                : Check.warning(
                        what + " (" + Names.few(pods) + "); this build supports " + ProxyVersion.RANGE,
                        "upgrade their control plane and restart them, or use the mesh-cni release for their version");
    }

    /** Before the installation that is how it has to be. */
    private static Optional<Check> stillInit(List<ClusterPod> proxies, ClusterView view) {
        Map<String, Long> byNamespace = proxies.stream()
                .filter(ClusterPod::redirectsItself)
                .collect(Collectors.groupingBy(ClusterPod::namespace, TreeMap::new, Collectors.counting()));
        if (byNamespace.isEmpty()) {
            return Optional.empty();
        }
        List<String> namespaces = byNamespace.entrySet().stream()
                .map(entry -> entry.getKey() + " (" + entry.getValue() + ")")
                .toList();
        String what = "pods with istio-init, which needs NET_ADMIN, in " + Names.few(namespaces);
        return Optional.of(
                view.daemonSet().isEmpty()
                        ? Check.ok(what + ", as expected without a CNI plugin")
                        : Check.warning(
                                what,
                                "configure the injector for the CNI plugin, then restart them: docs/install.md,"
                                        + " \"Configure the injector\""));
    }

    private static Optional<Check> trouble(
            List<ClusterPod> proxies, Predicate<ClusterPod> sign, String what, String remedy) {
        List<String> pods = proxies.stream().filter(sign).map(ClusterPod::key).toList();
        return pods.isEmpty()
                ? Optional.empty()
                : Optional.of(
                        Check.error(Names.count(pods.size(), "pod") + " " + what + ": " + Names.few(pods), remedy));
    }
}
