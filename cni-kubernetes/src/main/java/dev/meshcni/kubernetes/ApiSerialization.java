// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonIncludeProperties;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fabric8.kubernetes.api.model.Affinity;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerState;
import io.fabric8.kubernetes.api.model.ContainerStateTerminated;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.KubernetesList;
import io.fabric8.kubernetes.api.model.KubernetesResource;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeAffinity;
import io.fabric8.kubernetes.api.model.NodeSpec;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.OwnerReference;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodList;
import io.fabric8.kubernetes.api.model.PodSecurityContext;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.PodStatus;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.SecurityContext;
import io.fabric8.kubernetes.api.model.Status;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.api.model.apps.DaemonSetSpec;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.util.List;

/**
 * How the API server's answers, and pod manifests, are read: of each resource the fields that this daemon needs, the
 * rest is passed over.
 *
 * <p>fabric8's model knows some four hundred resources and all of their fields, and takes ten megabytes to hold what it
 * finds out about a pod's alone. A field that is to be read has to be named here, or its getter says that the resource
 * has none.
 */
final class ApiSerialization {
    private static final List<Class<? extends KubernetesResource>> RESOURCES =
            List.of(Pod.class, PodList.class, KubernetesList.class, DaemonSet.class, Node.class, Status.class);

    private ApiSerialization() {}

    /** A new one. */
    static KubernetesSerialization create() {
        KubernetesSerialization serialization = new KubernetesSerialization(mapper(), false);
        RESOURCES.forEach(serialization::registerKubernetesResource);
        return serialization;
    }

    private static ObjectMapper mapper() {
        return new ObjectMapper()
                .addMixIn(ObjectMeta.class, OfMetadata.class)
                .addMixIn(OwnerReference.class, OfOwner.class)
                .addMixIn(DaemonSet.class, OfDaemonSet.class)
                .addMixIn(DaemonSetSpec.class, OfDaemonSetSpec.class)
                .addMixIn(PodTemplateSpec.class, OfPodTemplate.class)
                .addMixIn(Affinity.class, OfAffinity.class)
                .addMixIn(NodeAffinity.class, OfNodeAffinity.class)
                .addMixIn(NodeSpec.class, OfNodeSpec.class)
                .addMixIn(Node.class, OfNode.class)
                .addMixIn(PodSpec.class, OfPodSpec.class)
                .addMixIn(Container.class, OfContainer.class)
                .addMixIn(EnvVar.class, OfVariable.class)
                .addMixIn(SecurityContext.class, OfSecurityContext.class)
                .addMixIn(PodSecurityContext.class, OfSecurityContext.class)
                .addMixIn(PodStatus.class, OfPodStatus.class)
                .addMixIn(ContainerStatus.class, OfContainerStatus.class)
                .addMixIn(ContainerState.class, OfContainerState.class)
                .addMixIn(ContainerStateTerminated.class, OfTermination.class);
    }

    @JsonIgnoreProperties({"finalizers", "managedFields"})
    private interface OfMetadata {}

    @JsonIncludeProperties({"controller", "kind", "uid"})
    private interface OfOwner {}

    @JsonIncludeProperties({"apiVersion", "kind", "metadata", "spec"})
    private interface OfDaemonSet {}

    @JsonIncludeProperties("template")
    private interface OfDaemonSetSpec {}

    @JsonIncludeProperties("spec")
    private interface OfPodTemplate {}

    @JsonIncludeProperties("nodeAffinity")
    private interface OfAffinity {}

    @JsonIncludeProperties("requiredDuringSchedulingIgnoredDuringExecution")
    private interface OfNodeAffinity {}

    @JsonIncludeProperties({"apiVersion", "kind", "metadata", "spec"})
    private interface OfNode {}

    @JsonIncludeProperties("taints")
    private interface OfNodeSpec {}

    @JsonIncludeProperties({
        "affinity",
        "containers",
        "hostNetwork",
        "initContainers",
        "nodeName",
        "nodeSelector",
        "restartPolicy",
        "schedulerName",
        "securityContext",
        "serviceAccountName"
    })
    private interface OfPodSpec {}

    @JsonIncludeProperties({"args", "env", "image", "name", "securityContext"})
    private interface OfContainer {}

    @JsonIncludeProperties({"name", "value"})
    private interface OfVariable {}

    @JsonIncludeProperties({"runAsGroup", "runAsUser"})
    private interface OfSecurityContext {}

    @JsonIncludeProperties({"containerStatuses", "initContainerStatuses", "phase", "podIP", "podIPs"})
    private interface OfPodStatus {}

    @JsonIncludeProperties({"containerID", "lastState", "name", "state"})
    private interface OfContainerStatus {}

    @JsonIncludeProperties("terminated")
    private interface OfContainerState {}

    @JsonIncludeProperties({"exitCode", "message", "reason"})
    private interface OfTermination {}
}
