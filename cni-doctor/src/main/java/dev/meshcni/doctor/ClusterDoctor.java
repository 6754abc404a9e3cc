// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.doctor;

import static java.util.Objects.requireNonNull;

import dev.meshcni.config.DaemonException;
import dev.meshcni.core.ShortLine;
import dev.meshcni.doctor.ClusterReport.Subject;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Examines a cluster through the API server, with the permissions of its user, without changing anything. */
public final class ClusterDoctor {
    private final ClusterApi api;
    private final Optional<String> namespace;

    /**
     * @param api how the API server is asked
     * @param namespace the namespace of the DaemonSet; empty for the one where it is found
     */
    private ClusterDoctor(ClusterApi api, Optional<String> namespace) {
        this.api = requireNonNull(api, "api is null");
        this.namespace = requireNonNull(namespace, "namespace is null");
    }

    /**
     * Looks. Whatever the API server refuses is part of the report.
     *
     * @throws DaemonException if the kubeconfig cannot be read, or has no such context
     */
    public static ClusterReport examine(ClusterSettings settings) {
        try (ClusterApi api = ClusterApi.open(settings)) {
            return new ClusterDoctor(api, settings.namespace()).examine();
        }
    }

    private ClusterReport examine() {
        List<Subject> subjects = new ArrayList<>();
        subjects.add(new Subject("API server", apiServer()));
        if (api.lost().isPresent()) {
            return new ClusterReport(subjects);
        }
        ClusterView view = ClusterView.of(api, namespace);
        subjects.add(new Subject("Nodes", NodeChecks.of(view)));
        subjects.add(new Subject("ServiceAccounts", AccountChecks.of(view)));
        subjects.add(new Subject("DaemonSet", DaemonSetChecks.of(view)));
        AgentStatuses statuses = AgentStatuses.ask(api, view);
        subjects.add(new Subject("Base CNI, by node", AgentChecks.of(view, statuses)));
        ControlPlaneChecks controlPlanes = ControlPlaneChecks.ask(api, view);
        subjects.add(new Subject("Control planes", controlPlanes.checks()));
        subjects.add(new Subject("Pods of the mesh", ProxyChecks.of(view)));
        if (NetworkChecks.concern(statuses)) {
            subjects.add(new Subject("Multus", NetworkChecks.of(api, view, controlPlanes.injectors())));
        }
        return new ClusterReport(subjects);
    }

    private List<Check> apiServer() {
        ApiResult<String> version = api.version();
        if (api.lost().isPresent()) {
            return List.of(Check.error(
                    api.address() + ": " + api.lost().get(),
                    "check that --kubeconfig and --context select the right cluster, and that kubectl get nodes"
                            + " works"));
        }
        return version.checks(
                api.address() + " answers; its version",
                found -> List.of(Check.ok(api.address() + " answers, Kubernetes " + ShortLine.of(found))));
    }
}
