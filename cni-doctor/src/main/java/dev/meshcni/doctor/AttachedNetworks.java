// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.doctor;

import com.fasterxml.jackson.databind.JsonNode;
import dev.meshcni.api.CniException;
import dev.meshcni.api.CniJson;
import dev.meshcni.manifest.NodeManifests;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The networks that an annotation attaches a pod to, in the order in which Multus calls their plugins: a list of
 * {@code [namespace/]name[@interface]}, or a JSON list of objects (Kubernetes Network Custom Resource Definition
 * De-facto Standard, section 4.1).
 *
 * @param names the NetworkAttachmentDefinitions, as {@code namespace/name}
 */
record AttachedNetworks(List<String> names) {
    private static final String OURS = "/" + NodeManifests.NETWORK;

    AttachedNetworks {
        names = List.copyOf(names);
    }

    /** Those of a pod of a namespace; none of an annotation that cannot be parsed. */
    static AttachedNetworks of(String annotation, String namespace) {
        return new AttachedNetworks(
                annotation.strip().startsWith("[") ? ofJson(annotation, namespace) : ofText(annotation, namespace));
    }

    /** The definitions of ours among them. */
    List<String> ours() {
        return names.stream().filter(AttachedNetworks::isOurs).toList();
    }

    /** Whether Multus calls the plugin of another network after ours. */
    boolean othersFollowOurs() {
        return !ours().isEmpty() && !isOurs(names.getLast());
    }

    static boolean isOurs(String definition) {
        return definition.endsWith(OURS);
    }

    private static List<String> ofText(String annotation, String namespace) {
        return Arrays.stream(annotation.split(",", -1))
                .map(String::strip)
                .filter(network -> !network.isEmpty())
                .map(network -> network.replaceFirst("@.*", ""))
                .map(network -> network.contains("/") ? network : namespace + "/" + network)
                .toList();
    }

    private static List<String> ofJson(String annotation, String namespace) {
        List<String> names = new ArrayList<>();
        try {
            JsonNode networks =
                    CniJson.lenientObject("{\"networks\":" + annotation + "}").path("networks");
            networks.forEach(network -> names.add(network.path("namespace").asText(namespace) + "/"
                    + network.path("name").asText()));
        } catch (CniException e) {
            return List.of();
        }
        return names;
    }
}
