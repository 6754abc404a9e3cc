// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import static java.util.Objects.requireNonNull;

import dev.meshcni.config.DaemonException;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.util.Optional;

/** Pods of a cluster, for somebody who asks for one by its name, with that person's own access. */
public final class LivePods {
    private LivePods() {}

    /**
     * A pod as the API server has it now.
     *
     * @param access the access to the cluster, as {@link ClientConfig} finds it
     * @param namespace the pod's namespace; without it that of the context, else {@code default}
     * @throws DaemonException if there is no such pod, or the API server does not answer, or refuses
     */
    public static PodManifests.Shown get(Config access, Optional<String> namespace, String name) {
        requireNonNull(name, "name is null");
        access.setRequestRetryBackoffLimit(0);
        String where = namespace
                .or(() -> Optional.ofNullable(access.getNamespace()).filter(text -> !text.isEmpty()))
                .orElse("default");
        try (KubernetesClient client =
                new KubernetesClientBuilder().withConfig(access).build()) {
            return Optional.ofNullable(
                            client.pods().inNamespace(where).withName(name).get())
                    .map(PodManifests.Shown::of)
                    .orElseThrow(() -> new DaemonException("no pod " + where + "/" + name + " in the cluster at "
                            + access.getMasterUrl() + "; name its namespace with -n"));
        } catch (KubernetesClientException e) {
            throw new DaemonException(
                    "cannot read pod " + where + "/" + name + " from " + access.getMasterUrl() + ": "
                            + ApiFailure.describe(e, ApiFailure.Account.OPERATOR, "get on pods"),
                    e);
        }
    }
}
