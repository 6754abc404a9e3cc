// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core;

import dev.meshcni.redirect.AnnotationParser;
import dev.meshcni.redirect.Pod;
import dev.meshcni.redirect.RedirectParameters;
import java.util.Optional;

/** What the pod of one call asks for, which may be read when the pod is looked up and again when it is there. */
final class AskedFor {
    private record Read(Pod pod, RedirectParameters parameters) {}

    private volatile Optional<Read> last = Optional.empty();

    /**
     * Reads what a pod asks for.
     *
     * @throws dev.meshcni.rules.InvalidParameterException if that is not allowed
     */
    RedirectParameters parameters(Pod pod) {
        Optional<Read> known = last;
        if (known.isPresent() && known.get().pod().equals(pod)) {
            return known.get().parameters();
        }
        RedirectParameters parameters = AnnotationParser.parse(pod);
        last = Optional.of(new Read(pod, parameters));
        return parameters;
    }
}
