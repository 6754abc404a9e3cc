// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * A step of the uninstallation of a node outside of its file system, such as removing a taint. It comes last and throws
 * nothing, as the right to take it may be gone already.
 */
@FunctionalInterface
public interface UninstallStep {
    /** Nothing to do. */
    static UninstallStep none() {
        return _ -> Optional.empty();
    }

    /** One step after the other, whatever the ones before could not do. */
    static UninstallStep all(List<UninstallStep> steps) {
        return patience -> {
            List<String> left =
                    steps.stream().flatMap(step -> step.run(patience).stream()).toList();
            return left.isEmpty() ? Optional.empty() : Optional.of(String.join("; ", left));
        };
    }

    /**
     * Takes the step.
     *
     * @param patience how long it may take
     * @return what is left, with the remedy; empty if nothing is
     */
    Optional<String> run(Duration patience);
}
