// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import dev.meshcni.config.DaemonException;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The pods that selectors mean, in the notation of the API server: {@code app=web,tier!=test,env in (a, b),!legacy}.
 * They are applied here, as one watch serves all parts of the daemon.
 */
public final class PodSelection implements Predicate<Pod> {
    private static final String NAME = "(?<name>[A-Za-z0-9][-A-Za-z0-9_./]*)";
    private static final Pattern EQUALS =
            Pattern.compile(NAME + "\\s*(?<operator>==|=|!=)\\s*(?<value>[-A-Za-z0-9_.]*)");
    private static final Pattern SET = Pattern.compile(NAME + "\\s+(?<operator>in|notin)\\s+\\((?<values>[^()]*)\\)");
    private static final Pattern EXISTS = Pattern.compile("(?<not>!?)\\s*" + NAME);
    private static final Map<String, Function<Pod, String>> FIELDS = Map.of(
            "metadata.name", pod -> pod.getMetadata().getName(),
            "metadata.namespace", pod -> pod.getMetadata().getNamespace(),
            "spec.nodeName", pod -> pod.getSpec().getNodeName(),
            "spec.restartPolicy", pod -> pod.getSpec().getRestartPolicy(),
            "spec.schedulerName", pod -> pod.getSpec().getSchedulerName(),
            "spec.serviceAccountName", pod -> pod.getSpec().getServiceAccountName(),
            "status.phase",
                    pod -> pod.getStatus() == null ? "" : pod.getStatus().getPhase());

    private final List<Predicate<Pod>> requirements;
    private final Set<String> names;

    private PodSelection(List<Predicate<Pod>> requirements, Set<String> names) {
        this.requirements = List.copyOf(requirements);
        this.names = Set.copyOf(names);
    }

    /**
     * Reads selectors.
     *
     * @param annotation an annotation that a pod must have; empty for none
     * @param labels a label selector; empty for all pods
     * @param fields a field selector; empty for all pods
     * @throws DaemonException if a selector cannot be understood
     */
    public static PodSelection parse(String annotation, String labels, String fields) {
        List<Predicate<Pod>> requirements = new ArrayList<>();
        if (!annotation.isEmpty()) {
            requirements.add(pod -> map(pod.getMetadata().getAnnotations()).containsKey(annotation));
        }
        parts(labels).stream().map(PodSelection::label).forEach(requirements::add);
        parts(fields).stream().map(PodSelection::field).forEach(requirements::add);
        Set<String> names = new HashSet<>(Set.of(annotation));
        parts(labels).stream().map(PodSelection::labelName).forEach(names::add);
        return new PodSelection(requirements, names);
    }

    /** The names of the labels and of the annotation that are asked for. */
    Set<String> names() {
        return names;
    }

    private static String labelName(String requirement) {
        Matcher name = Pattern.compile("!?\\s*" + NAME + ".*").matcher(requirement);
        return name.matches() ? name.group("name") : "";
    }

    @Override
    public boolean test(Pod pod) {
        return requirements.stream().allMatch(requirement -> requirement.test(pod));
    }

    private static Predicate<Pod> label(String text) {
        Matcher equals = EQUALS.matcher(text);
        if (equals.matches()) {
            return labelIs(
                    equals.group("name"),
                    List.of(equals.group("value")),
                    !equals.group("operator").equals("!="));
        }
        Matcher set = SET.matcher(text);
        if (set.matches()) {
            List<String> values = Arrays.stream(set.group("values").split(",", -1))
                    .map(String::strip)
                    .toList();
            return labelIs(set.group("name"), values, set.group("operator").equals("in"));
        }
        Matcher exists = EXISTS.matcher(text);
        if (exists.matches()) {
            String name = exists.group("name");
            boolean wanted = exists.group("not").isEmpty();
            return pod -> map(pod.getMetadata().getLabels()).containsKey(name) == wanted;
        }
        throw new DaemonException("invalid label selector '" + text + "': allowed are KEY, !KEY, KEY=VALUE,"
                + " KEY!=VALUE, KEY in (A,B) and KEY notin (A,B)");
    }

    private static Predicate<Pod> labelIs(String name, List<String> values, boolean wanted) {
        return pod -> {
            Optional<String> label =
                    Optional.ofNullable(map(pod.getMetadata().getLabels()).get(name));
            return label.filter(values::contains).isPresent() == wanted;
        };
    }

    private static Predicate<Pod> field(String text) {
        Matcher equals = EQUALS.matcher(text);
        if (!equals.matches() || !FIELDS.containsKey(equals.group("name"))) {
            throw new DaemonException("invalid field selector '" + text + "': allowed are FIELD=VALUE and"
                    + " FIELD!=VALUE, with one of the fields "
                    + FIELDS.keySet().stream().sorted().toList());
        }
        Function<Pod, String> field = FIELDS.get(equals.group("name"));
        String value = equals.group("value");
        boolean wanted = !equals.group("operator").equals("!=");
        return pod -> value.equals(Objects.requireNonNullElse(field.apply(pod), "")) == wanted;
    }

    /** The parts between commas, of which those in parentheses do not count. */
    private static List<String> parts(String selector) {
        return Arrays.stream(selector.split(",(?![^(]*\\))", -1))
                .map(String::strip)
                .filter(part -> !part.isEmpty())
                .toList();
    }

    private static Map<String, String> map(Map<String, String> map) {
        return Objects.requireNonNullElse(map, Map.of());
    }
}
