// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.doctor;

import dev.meshcni.config.DaemonException;
import dev.meshcni.kubernetes.ApiAccess;
import dev.meshcni.kubernetes.ApiFailure;
import dev.meshcni.kubernetes.PodManifests;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.util.Optional;

/** Pods of a cluster, for somebody who asks for one by its name, with that person's own access. */
public final class LivePods {
    private LivePods() {}

    /**
     * A pod as the API server has it now.
     *
     * @param namespace the pod's namespace; without it that of the context, else {@code default}
     * @throws DaemonException if there is no such pod, or the API server does not answer, or refuses
     */
    public static PodManifests.Shown get(ApiAccess access, Optional<String> namespace, String name) {
        access.config().setRequestRetryBackoffLimit(0);
        String where = namespace
                .or(() -> Optional.ofNullable(access.config().getNamespace()).filter(text -> !text.isEmpty()))
                .orElse("default");
        try (KubernetesClient client = access.client().build()) {
            return Optional.ofNullable(
                            client.pods().inNamespace(where).withName(name).get())
                    .map(PodManifests.Shown::of)
                    .orElseThrow(() -> new DaemonException("no pod " + where + "/" + name + " in the cluster at "
                            + access.server() + (namespace.isPresent() ? "" : "; name its namespace with -n")));
        } catch (KubernetesClientException e) {
            throw new DaemonException(
                    "cannot read pod " + where + "/" + name + " from " + access.server() + ": "
                            + ApiFailure.describe(e, ApiFailure.Account.OPERATOR, "get on pods"),
                    e);
        }
    }
}
