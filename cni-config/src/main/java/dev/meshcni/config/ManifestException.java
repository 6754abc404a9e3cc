// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.config;

import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** Settings from which no manifests can be made. */
public final class ManifestException extends DaemonException {
    private static final long serialVersionUID = 1L;

    private final transient List<Problem> problems;

    /**
     * One thing that is wrong.
     *
     * @param position where: file, line and column, separated by colons
     * @param message what
     * @param key the key that is not known; empty for other problems
     * @param known the keys that are known in its place
     */
    public record Problem(String position, String message, String key, Set<String> known) {
        public Problem {
            known = Set.copyOf(known);
        }

        public static Problem of(Yaml.Position at, String message) {
            return new Problem(at.toString(), message, "", Set.of());
        }
    }

    public ManifestException(Yaml.Position at, String message) {
        this(List.of(Problem.of(at, message)));
    }

    public ManifestException(List<Problem> problems) {
        super(problems.stream()
                .map(problem -> problem.position() + ": " + problem.message())
                .collect(Collectors.joining("\n")));
        this.problems = List.copyOf(problems);
    }

    /** All that is wrong, in the order in which it was found. */
    public List<Problem> problems() {
        return problems;
    }
}
