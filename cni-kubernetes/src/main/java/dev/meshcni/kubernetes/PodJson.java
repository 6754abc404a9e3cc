// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import static dev.meshcni.kubernetes.JsonFields.array;
import static dev.meshcni.kubernetes.JsonFields.isText;
import static dev.meshcni.kubernetes.JsonFields.object;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.meshcni.kubernetes.BoundedTexts.Text;
import dev.meshcni.redirect.MirrorPod;
import dev.meshcni.redirect.PodFields;
import dev.meshcni.redirect.RedirectPolicy;
import dev.meshcni.redirect.UnreadAnnotations;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.OwnerReference;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodIP;
import io.fabric8.kubernetes.api.model.PodSecurityContext;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.PodStatus;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reads one pod out of a stream of JSON: the fields and names that this daemon uses, within the bounds of
 * {@link BoundedTexts}. The rest is never in memory, and what a pod's author writes cannot make the reader hold more.
 */
final class PodJson {
    private static final int MAX_OWNERS = 16;
    private static final int MAX_ADDRESSES = 16;
    private static final String ANNOTATION = "annotation";

    private final JsonParser json;
    private final Set<String> labels;
    private final Set<String> annotations;
    private final Set<String> presences;
    private final BoundedTexts texts = new BoundedTexts();
    private int mistakes;

    private PodJson(JsonParser json, Set<String> selectors) {
        this.json = json;
        this.labels = union(PodFields.LABELS, selectors);
        this.annotations = union(PodFields.ANNOTATIONS, Set.of(MirrorPod.CONFIG_HASH, MirrorPod.CONFIG_MIRROR));
        this.presences = union(selectors, Set.of(RedirectPolicy.STATUS));
    }

    /**
     * Reads the object at which a parser stands.
     *
     * @param selectors names of labels, and of annotations of which the presence counts, that are read beside those of
     *     the engine
     * @throws IOException if the stream ends or is not JSON
     */
    static BoundedPod read(JsonParser json, Set<String> selectors) throws IOException {
        PodJson reader = new PodJson(json, selectors);
        Pod pod = new Pod();
        pod.setMetadata(new ObjectMeta());
        pod.setSpec(new PodSpec());
        pod.setStatus(new PodStatus());
        object(json, field -> {
            switch (field) {
                case "metadata" -> reader.metadata(pod.getMetadata());
                case "spec" -> reader.spec(pod.getSpec());
                case "status" -> reader.status(pod.getStatus());
                default -> {}
            }
        });
        return new BoundedPod(pod, reader.texts.cut());
    }

    private void metadata(ObjectMeta metadata) throws IOException {
        object(json, field -> {
            switch (field) {
                case "namespace" -> metadata.setNamespace(texts.keep("metadata.namespace", json));
                case "name" -> metadata.setName(texts.keep("metadata.name", json));
                case "uid" -> metadata.setUid(texts.keep("metadata.uid", json));
                case "resourceVersion" -> metadata.setResourceVersion(texts.keep("metadata.resourceVersion", json));
                case "deletionTimestamp" -> metadata.setDeletionTimestamp(isText(json) ? "set" : null);
                case "labels" -> metadata.setLabels(entries("label", labels, Set.of()));
                case "annotations" -> metadata.setAnnotations(entries(ANNOTATION, annotations, presences));
                case "ownerReferences" -> metadata.setOwnerReferences(owners());
                default -> {}
            }
        });
    }

    private Map<String, String> entries(String kind, Set<String> names, Set<String> present) throws IOException {
        Map<String, String> entries = new HashMap<>();
        object(json, name -> {
            if (!isText(json)) {
                return;
            }
            if (names.contains(name) && !name.equals(RedirectPolicy.STATUS)) {
                entries.put(name, texts.keep(kind + " " + name, json));
            } else if (present.contains(name)) {
                entries.put(name, "");
            } else if (kind.equals(ANNOTATION)
                    && mistakes < UnreadAnnotations.MOST
                    && UnreadAnnotations.isMistake(name)) {
                mistakes++;
                entries.put(name, "");
            }
        });
        return entries;
    }

    private List<OwnerReference> owners() throws IOException {
        List<OwnerReference> owners = new ArrayList<>();
        array(json, () -> {
            if (owners.size() >= MAX_OWNERS) {
                return;
            }
            OwnerReference owner = new OwnerReference();
            object(json, field -> {
                switch (field) {
                    case "kind" -> owner.setKind(texts.keep("metadata.ownerReferences.kind", json));
                    case "uid" -> owner.setUid(texts.keep("metadata.ownerReferences.uid", json));
                    case "controller" -> owner.setController(json.hasToken(JsonToken.VALUE_TRUE));
                    default -> {}
                }
            });
            owners.add(owner);
        });
        return owners;
    }

    private void spec(PodSpec spec) throws IOException {
        object(json, field -> {
            switch (field) {
                case "nodeName" -> spec.setNodeName(texts.keep("spec.nodeName", json));
                case "restartPolicy" -> spec.setRestartPolicy(texts.keep("spec.restartPolicy", json));
                case "schedulerName" -> spec.setSchedulerName(texts.keep("spec.schedulerName", json));
                case "serviceAccountName" -> spec.setServiceAccountName(texts.keep("spec.serviceAccountName", json));
                case "hostNetwork" -> spec.setHostNetwork(json.hasToken(JsonToken.VALUE_TRUE));
                case "securityContext" -> spec.setSecurityContext(securityContext());
                case "initContainers" ->
                    spec.setInitContainers(new ContainerJson(json, texts).containers("spec.initContainers"));
                case "containers" -> spec.setContainers(new ContainerJson(json, texts).containers("spec.containers"));
                default -> {}
            }
        });
    }

    private PodSecurityContext securityContext() throws IOException {
        PodSecurityContext context = new PodSecurityContext();
        ContainerJson.readOwner(json, context::setRunAsUser, context::setRunAsGroup);
        return context;
    }

    private void status(PodStatus status) throws IOException {
        ContainerStatusJson statuses = new ContainerStatusJson(json);
        object(json, field -> {
            switch (field) {
                case "phase" -> status.setPhase(text());
                case "podIP" -> status.setPodIP(text());
                case "podIPs" -> status.setPodIPs(addresses());
                case "initContainerStatuses" -> status.setInitContainerStatuses(statuses.statuses());
                case "containerStatuses" -> status.setContainerStatuses(statuses.statuses());
                default -> {}
            }
        });
    }

    private List<PodIP> addresses() throws IOException {
        List<PodIP> addresses = new ArrayList<>();
        array(json, () -> {
            PodIP address = new PodIP();
            object(json, field -> {
                if (field.equals("ip")) {
                    address.setIp(text());
                }
            });
            if (addresses.size() < MAX_ADDRESSES && address.getIp() != null) {
                addresses.add(address);
            }
        });
        return addresses;
    }

    private String text() throws IOException {
        Text text = BoundedTexts.read(json);
        return text.value();
    }

    private static Set<String> union(Set<String> some, Set<String> others) {
        Set<String> all = new HashSet<>(some);
        all.addAll(others);
        return all;
    }
}
