// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.manifest;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.rbac.ClusterRoleBindingBuilder;
import io.fabric8.kubernetes.api.model.rbac.ClusterRoleBuilder;
import io.fabric8.kubernetes.api.model.rbac.PolicyRule;
import io.fabric8.kubernetes.api.model.rbac.PolicyRuleBuilder;
import io.fabric8.kubernetes.api.model.rbac.RoleBindingBuilder;
import io.fabric8.kubernetes.api.model.rbac.RoleBuilder;
import java.util.ArrayList;
import java.util.List;

/** The daemon's API server permissions: only those that the settings need, as listed in docs/rbac.md. */
record AccessRights(CniValues values) {
    private static final String GROUP = "rbac.authorization.k8s.io";
    private static final String REPAIR_ROLE = NodeManifests.NAME + "-repair-role";
    private static final String REPAIR_BINDING = NodeManifests.NAME + "-repair-rolebinding";
    private static final String CORE = "";

    List<HasMetadata> resources() {
        List<HasMetadata> resources = new ArrayList<>();
        resources.add(clusterRole(NodeManifests.NAME, podRules()));
        resources.add(clusterBinding(NodeManifests.NAME, NodeManifests.NAME));
        if (values.repair().enabled()) {
            resources.add(clusterRole(REPAIR_ROLE, repairRules()));
            resources.add(clusterBinding(REPAIR_BINDING, REPAIR_ROLE));
        }
        resources.add(new RoleBuilder()
                .withMetadata(NodeManifests.metadata(values, NodeManifests.NAME))
                .withRules(rule("apps", "daemonsets", "get", "list", "watch")
                        .withResourceNames(NodeManifests.DAEMON_SET)
                        .build())
                .build());
        resources.add(new RoleBindingBuilder()
                .withMetadata(NodeManifests.metadata(values, NodeManifests.NAME))
                .withNewRoleRef(GROUP, "Role", NodeManifests.NAME)
                .addNewSubject(null, "ServiceAccount", NodeManifests.NAME, values.namespace())
                .build());
        return resources;
    }

    private List<PolicyRule> podRules() {
        List<PolicyRule> rules = new ArrayList<>();
        rules.add(rule(CORE, "pods", "get", "list", "watch").build());
        if (values.plugin().nodeTaint()) {
            rules.add(rule(CORE, "nodes", "get", "list", "patch", "watch").build());
        } else if (selectsNodes()) {
            rules.add(rule(CORE, "nodes", "get").build());
        }
        if (values.ambient().isPresent()) {
            // A namespace is in the mesh by its labels; by an annotation of a pod istiod knows that ztunnel serves it.
            rules.add(rule(CORE, "namespaces", "get", "list", "watch").build());
            rules.add(rule(CORE, "pods/status", "patch").build());
        }
        if (values.openShift()) {
            rules.add(rule("security.openshift.io", "securitycontextconstraints", "use")
                    .withResourceNames("privileged")
                    .build());
        }
        return rules;
    }

    /** Returns whether a node can be taken away from the DaemonSet, which a daemon then sees by its node's labels. */
    private boolean selectsNodes() {
        return values.pod().affinity().isPresent()
                || !values.pod().nodeSelector().isEmpty();
    }

    private List<PolicyRule> repairRules() {
        List<PolicyRule> rules = new ArrayList<>();
        rules.add(rule(CORE, "events", "create").build());
        switch (values.repair().mode()) {
            case DELETE -> rules.add(deletion());
            case LABEL -> rules.add(rule(CORE, "pods/status", "patch").build());
            case REPAIR, REPORT -> {}
        }
        return rules;
    }

    /** Eviction respects disruption budgets, and takes a right that cannot delete anything without them. */
    private PolicyRule deletion() {
        boolean evicts = !"false".equals(values.plugin().env().get("REPAIR_EVICT"));
        return evicts
                ? rule(CORE, "pods/eviction", "create").build()
                : rule(CORE, "pods", "delete").build();
    }

    private HasMetadata clusterRole(String name, List<PolicyRule> rules) {
        return new ClusterRoleBuilder()
                .withMetadata(NodeManifests.clusterMetadata(values, name))
                .withRules(rules)
                .build();
    }

    private HasMetadata clusterBinding(String name, String role) {
        return new ClusterRoleBindingBuilder()
                .withMetadata(NodeManifests.clusterMetadata(values, name))
                .withNewRoleRef(GROUP, "ClusterRole", role)
                .addNewSubject(null, "ServiceAccount", NodeManifests.NAME, values.namespace())
                .build();
    }

    private static PolicyRuleBuilder rule(String group, String resource, String... verbs) {
        return new PolicyRuleBuilder()
                .withApiGroups(group)
                .withResources(resource)
                .withVerbs(verbs);
    }
}
