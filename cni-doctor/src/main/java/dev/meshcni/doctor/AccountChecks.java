// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.doctor;

import io.fabric8.kubernetes.api.model.Namespace;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * The second prerequisite of an installation: the admission controller ServiceAccount is on. The API server does not
 * say which of its admission controllers are; this one leaves a trace in each pod that it has admitted.
 */
final class AccountChecks {
    private static final String SWITCH_ON =
            "remove ServiceAccount from --disable-admission-plugins of kube-apiserver, then restart these pods";

    private AccountChecks() {}

    static List<Check> of(ClusterView view) {
        List<Check> checks =
                new ArrayList<>(view.pods().checks("admission of ServiceAccounts", AccountChecks::admission));
        checks.addAll(view.namespaces()
                .checks(
                        "namespaces",
                        namespaces -> view.defaultAccounts()
                                .checks(
                                        "ServiceAccounts of the namespaces",
                                        accounts -> accounts(namespaces, accounts))));
        return checks;
    }

    private static List<Check> admission(List<ClusterPod> pods) {
        List<ClusterPod> admitted = pods.stream().filter(pod -> !pod.isMirror()).toList();
        List<String> without = admitted.stream()
                .filter(pod -> pod.serviceAccount().isEmpty())
                .map(ClusterPod::key)
                .toList();
        if (admitted.isEmpty()) {
            return List.of(Check.unknown(
                    "admission of ServiceAccounts: no pod to check it with", "try again when a pod is running"));
        }
        if (!without.isEmpty()) {
            return List.of(Check.error(
                    "the admission controller ServiceAccount is, or was, disabled:"
                            + " " + Names.count(without.size(), "pod")
                            + " without a ServiceAccount (" + Names.few(without) + ")",
                    SWITCH_ON));
        }
        long tokens = admitted.stream().filter(ClusterPod::hasToken).count();
        String seen = "evidence: all " + admitted.size() + " pods that are not static have a ServiceAccount, " + tokens
                + " of them its token";
        return tokens > 0
                ? List.of(Check.ok("the admission controller ServiceAccount is enabled (" + seen + ")"))
                : List.of(Check.warning(
                        "the admission controller ServiceAccount may be disabled (" + seen + ")",
                        "check --disable-admission-plugins of kube-apiserver for ServiceAccount"));
    }

    private static List<Check> accounts(List<Namespace> namespaces, Set<String> accounts) {
        List<String> without = namespaces.stream()
                .filter(namespace -> namespace.getMetadata().getDeletionTimestamp() == null)
                .map(namespace -> namespace.getMetadata().getName())
                .filter(name -> !accounts.contains(name))
                .toList();
        return without.isEmpty()
                ? List.of(Check.ok("every namespace has a ServiceAccount \"default\""))
                : List.of(Check.warning(
                        "no ServiceAccount \"default\" in " + Names.few(without) + ": pods there are not admitted",
                        "kube-controller-manager creates it: check that its serviceaccount controller is running"));
    }
}
