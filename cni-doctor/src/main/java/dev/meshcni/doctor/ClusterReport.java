// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.doctor;

import static java.util.Objects.requireNonNull;

import dev.meshcni.doctor.Check.Verdict;
import java.util.List;

/**
 * The state of a cluster, for an operator.
 *
 * @param subjects the subjects, in the order of their dependencies
 */
public record ClusterReport(List<Subject> subjects) {
    /**
     * The checks of one subject.
     *
     * @param title its name
     * @param checks what was found, a line each
     */
    public record Subject(String title, List<Check> checks) {
        public Subject {
            requireNonNull(title, "title is null");
            checks = List.copyOf(checks);
        }
    }

    public ClusterReport {
        subjects =
                subjects.stream().filter(subject -> !subject.checks().isEmpty()).toList();
    }

    /** Returns whether pods fail, or are not redirected, until an operator intervenes. */
    public boolean hasErrors() {
        return subjects.stream()
                .flatMap(subject -> subject.checks().stream())
                .anyMatch(check -> check.verdict() == Verdict.ERROR);
    }
}
