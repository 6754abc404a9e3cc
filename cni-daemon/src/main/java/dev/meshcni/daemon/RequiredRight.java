// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import static java.util.Objects.requireNonNull;

import dev.meshcni.kubernetes.KubernetesApi.Right;
import dev.meshcni.repair.RepairSettings;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A right that the daemon needs: docs/rbac.md has all of them.
 *
 * @param right what the API server is asked for
 * @param without what does not work without it
 */
record RequiredRight(Right right, String without) {
    private static final String APPS = "apps";

    RequiredRight {
        requireNonNull(right, "right is null");
        requireNonNull(without, "without is null");
    }

    /** As messages name it, such as {@code watch on nodes}. */
    String text() {
        return right.verb() + " on " + right.resource();
    }

    /** Those that every daemon needs. */
    static List<RequiredRight> ofPods() {
        return List.of(
                ofCluster("list", "pods", "no pod of the node is known"),
                ofCluster("watch", "pods", "changes of the node's pods are not seen"),
                ofCluster("get", "pods", "a pod that the watch does not deliver in time waits"));
    }

    /** Those for an uninstallation that is detected. */
    static List<RequiredRight> ofDaemonSet(String namespace, String name) {
        return Stream.of("get", "list", "watch")
                .map(verb -> new RequiredRight(
                        new Right(verb, APPS, "daemonsets", Optional.of(namespace), Optional.of(name)),
                        "an uninstallation may be taken for a restart, which leaves plugin and configuration on the"
                                + " node"))
                .toList();
    }

    /** Those of repair. */
    static List<RequiredRight> ofRepair(RepairSettings repair) {
        List<RequiredRight> rights = new ArrayList<>();
        rights.add(ofCluster("create", "events", "repair actions have no event"));
        switch (repair.mode()) {
            case DELETE ->
                rights.add(
                        repair.evict()
                                ? ofCluster("create", "pods/eviction", "pods without redirection stay")
                                : ofCluster("delete", "pods", "pods without redirection stay"));
            case LABEL -> rights.add(ofCluster("patch", "pods/status", "pods without redirection are not labelled"));
            case REPAIR, REPORT -> {}
        }
        return rights;
    }

    /** Those of ambient mode. */
    static List<RequiredRight> ofMesh() {
        return List.of(
                ofCluster("list", "namespaces", "no pod can join the ambient mesh"),
                ofCluster("watch", "namespaces", "labels of namespaces are not followed"),
                ofCluster("get", "namespaces", "a pod of a namespace that the watch does not deliver in time waits"),
                ofCluster("patch", "pods/status", "istiod does not learn which pods are in the ambient mesh"));
    }

    /** Those for the taint of the node. */
    static List<RequiredRight> ofTaint() {
        return List.of(
                ofCluster("get", "nodes", "the taint cni.istio.io/not-ready cannot be changed"),
                ofCluster("patch", "nodes", "the taint cni.istio.io/not-ready cannot be changed"),
                ofCluster("list", "nodes", "the taint is compared once a minute only"),
                ofCluster("watch", "nodes", "the taint is compared once a minute only"));
    }

    private static RequiredRight ofCluster(String verb, String resource, String without) {
        return new RequiredRight(new Right(verb, "", resource, Optional.empty(), Optional.empty()), without);
    }
}
