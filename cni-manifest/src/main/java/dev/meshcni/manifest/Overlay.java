// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.manifest;

import static java.util.Objects.requireNonNull;

import dev.meshcni.config.ManifestException;
import dev.meshcni.config.Yaml;
import dev.meshcni.config.YamlFile;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Changes of one resource that an IstioOperator asks for in {@code components.cni.k8s.overlays} (Istio's API
 * K8sObjectOverlay): values at paths of the resource, written as for {@code --set}, with {@code [name:web]} for an item
 * of a list and {@code [-1]} behind its last one.
 *
 * @param at where it stands, for errors
 * @param kind the kind of the resource
 * @param name its name
 * @param patches the changes, in order
 */
record Overlay(Yaml.Position at, String kind, String name, List<Patch> patches) {
    private static final String APPEND = "[-1]";
    private static final KubernetesSerialization SERIALIZATION = new KubernetesSerialization();

    /**
     * One change.
     *
     * @param path the place in the resource
     * @param value what is there afterwards; no value takes out what is there
     */
    record Patch(SettingPath path, Yaml value) {}

    Overlay {
        requireNonNull(at, "at is null");
        requireNonNull(kind, "kind is null");
        requireNonNull(name, "name is null");
        patches = List.copyOf(patches);
    }

    /** Reads a list of overlays; what is wrong with one is a problem of the section. */
    static List<Overlay> read(SettingsSection k8s) {
        List<Overlay> overlays = new ArrayList<>();
        for (Yaml.Mapping overlay : k8s.mappings("overlays")) {
            Optional<String> kind = text(overlay, "kind");
            Optional<String> name = text(overlay, "name");
            List<Patch> patches = new ArrayList<>();
            if (overlay.entries().get("patches") instanceof Yaml.Entry(Yaml.Position _, Yaml.Sequence items)) {
                for (Yaml item : items.items()) {
                    patch(item)
                            .ifPresentOrElse(
                                    patches::add,
                                    () -> k8s.problem(
                                            "overlays",
                                            "has a patch without a path, such as spec.template.spec.hostPID"));
                }
            }
            if (kind.isEmpty() || name.isEmpty() || patches.isEmpty()) {
                k8s.problem("overlays", "needs kind, name and patches in each of its items");
            } else {
                overlays.add(new Overlay(overlay.at(), kind.get(), name.get(), patches));
            }
        }
        return overlays;
    }

    private static Optional<Patch> patch(Yaml item) {
        if (!(item instanceof Yaml.Mapping patch)) {
            return Optional.empty();
        }
        Yaml.Entry value = patch.entries().get("value");
        return text(patch, "path")
                .map(path -> new Patch(
                        path(patch.at(), path),
                        value == null ? new Yaml.Scalar(patch.at(), Yaml.Scalar.NULL) : value.value()));
    }

    private static SettingPath path(Yaml.Position at, String text) {
        boolean appends = text.endsWith(APPEND);
        String place =
                appends ? text.substring(0, text.length() - APPEND.length()).replaceFirst("\\.$", "") : text;
        List<SettingPath.Step> steps = new ArrayList<>(SettingParser.path(at, place));
        if (appends) {
            steps.add(new SettingPath.Index(SettingPath.BEHIND));
        }
        return new SettingPath(at, steps);
    }

    private static Optional<String> text(Yaml.Mapping mapping, String key) {
        return mapping.entries().get(key) instanceof Yaml.Entry(Yaml.Position _, Yaml.Scalar scalar)
                ? Optional.of(scalar.text()).filter(text -> !text.isEmpty())
                : Optional.empty();
    }

    /**
     * The resources with the changes of overlays.
     *
     * @throws ManifestException if an overlay is for none of them, or a place of it is not there
     */
    static List<HasMetadata> apply(List<Overlay> overlays, List<HasMetadata> resources) {
        List<HasMetadata> changed = new ArrayList<>(resources);
        for (Overlay overlay : overlays) {
            int place = overlay.find(changed);
            changed.set(place, overlay.applied(changed.get(place)));
        }
        return changed;
    }

    private int find(List<HasMetadata> resources) {
        for (int i = 0; i < resources.size(); i++) {
            HasMetadata resource = resources.get(i);
            if (resource.getKind().equals(kind)
                    && resource.getMetadata().getName().equals(name)) {
                return i;
            }
        }
        throw new ManifestException(
                at,
                "there is no " + kind + " " + name + " to overlay; there are "
                        + resources.stream()
                                .map(resource -> resource.getKind() + " "
                                        + resource.getMetadata().getName())
                                .collect(Collectors.joining(", ")));
    }

    private HasMetadata applied(HasMetadata resource) {
        Yaml.Mapping document = YamlFile.documents(at.toString(), SERIALIZATION.asYaml(resource))
                .getFirst();
        for (Patch patch : patches) {
            document = patch.path().put(patch.value(), document);
        }
        return SERIALIZATION.unmarshal(SERIALIZATION.asJson(document.json()));
    }
}
