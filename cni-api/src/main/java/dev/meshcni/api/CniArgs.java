// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The extra arguments of {@code CNI_ARGS}: {@code KEY=VALUE} pairs separated by semicolons, in any order (CNI
 * specification 1.1, section 2, "Parameters"; the keys are those that Kubernetes runtimes pass).
 *
 * <p>As in libcni, a key that is neither {@code IgnoreUnknown} nor one of the four {@code K8S_POD_} keys is an error
 * unless {@code IgnoreUnknown} is {@code 1} or {@code true}. Of a key that occurs twice the last one counts. A value
 * may contain {@code =}.
 *
 * <p>API status: STABLE (docs/versioning.md).
 *
 * @param pairs all pairs, also unknown ones, in the order of their first occurrence
 * @since 0.1.0
 */
public record CniArgs(Map<String, String> pairs) {
    /** No arguments. */
    public static final CniArgs NONE = new CniArgs(Map.of());

    private static final String IGNORE_UNKNOWN = "IgnoreUnknown";
    private static final String NAMESPACE = "K8S_POD_NAMESPACE";
    private static final String NAME = "K8S_POD_NAME";
    private static final String INFRA_CONTAINER_ID = "K8S_POD_INFRA_CONTAINER_ID";
    private static final String UID = "K8S_POD_UID";
    private static final Set<String> KNOWN = Set.of(IGNORE_UNKNOWN, NAMESPACE, NAME, INFRA_CONTAINER_ID, UID);

    public CniArgs {
        pairs = Collections.unmodifiableMap(new LinkedHashMap<>(pairs));
    }

    /**
     * Parses the value of {@code CNI_ARGS}; the empty text has no pairs.
     *
     * @throws CniException with {@link ErrorCode#INVALID_ENVIRONMENT}, quoting what cannot be understood
     */
    public static CniArgs parse(String text) {
        if (text.isEmpty()) {
            return NONE;
        }
        Map<String, String> pairs = new LinkedHashMap<>();
        for (String pair : Split.at(';', text)) {
            int equals = pair.indexOf('=');
            if (equals < 1) {
                throw invalid("not a KEY=VALUE pair: " + Quote.of(pair), text);
            }
            pairs.put(pair.substring(0, equals), pair.substring(equals + 1));
        }
        CniArgs args = new CniArgs(pairs);
        if (!args.ignoreUnknown(text)) {
            args.refuseUnknown(text);
        }
        return args;
    }

    /**
     * All pairs that can be understood, whatever else there is: for what needs to know the pod's name only to tell it.
     */
    static CniArgs parseLeniently(String text) {
        Map<String, String> pairs = new LinkedHashMap<>();
        for (String pair : Split.at(';', text)) {
            int equals = pair.indexOf('=');
            if (equals > 0) {
                pairs.put(pair.substring(0, equals), pair.substring(equals + 1));
            }
        }
        return new CniArgs(pairs);
    }

    /** {@code K8S_POD_NAMESPACE}, if it is there and not empty. */
    public Optional<String> podNamespace() {
        return value(NAMESPACE);
    }

    /** {@code K8S_POD_NAME}, if it is there and not empty. */
    public Optional<String> podName() {
        return value(NAME);
    }

    /** {@code K8S_POD_INFRA_CONTAINER_ID}, the sandbox's container, if it is there and not empty. */
    public Optional<String> podInfraContainerId() {
        return value(INFRA_CONTAINER_ID);
    }

    /** {@code K8S_POD_UID}, if it is there and not empty. */
    public Optional<String> podUid() {
        return value(UID);
    }

    /** The pod as {@code namespace/name}, as far as the runtime names it; else empty. */
    public String qualifiedPodName() {
        String prefix = podNamespace().map(namespace -> namespace + "/").orElse("");
        return podName().map(name -> prefix + name).orElse("");
    }

    /** The pairs as they stand in {@code CNI_ARGS}. */
    @Override
    public String toString() {
        List<String> texts = new ArrayList<>();
        pairs.forEach((key, value) -> texts.add(key + "=" + value));
        return String.join(";", texts);
    }

    private Optional<String> value(String key) {
        return Optional.ofNullable(pairs.get(key)).filter(value -> !value.isEmpty());
    }

    private boolean ignoreUnknown(String text) {
        String value = pairs.getOrDefault(IGNORE_UNKNOWN, "false");
        if (value.equals("1") || isWord("true", value)) {
            return true;
        }
        if (value.equals("0") || isWord("false", value)) {
            return false;
        }
        throw invalid(IGNORE_UNKNOWN + " is " + Quote.of(value) + ", allowed are 1, true, 0 and false", text);
    }

    /** Returns whether a text is a word of lower case letters, in whatever case. */
    private static boolean isWord(String word, String text) {
        boolean same = word.length() == text.length();
        for (int i = 0; same && i < word.length(); i++) {
            same = text.charAt(i) == word.charAt(i) || text.charAt(i) == word.charAt(i) - 'a' + 'A';
        }
        return same;
    }

    private void refuseUnknown(String text) {
        List<String> unknown = new ArrayList<>(pairs.keySet());
        unknown.removeIf(KNOWN::contains);
        unknown.replaceAll(Quote::of);
        if (!unknown.isEmpty()) {
            throw invalid("unknown keys, and " + IGNORE_UNKNOWN + " is not set: " + String.join(", ", unknown), text);
        }
    }

    private static CniException invalid(String why, String text) {
        return new CniException(
                ErrorCode.INVALID_ENVIRONMENT, "invalid CNI_ARGS: " + why, "CNI_ARGS is " + Quote.of(text));
    }
}
