// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubeconfig;

import static java.util.Objects.requireNonNull;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * As whom the user of a kubeconfig acts.
 *
 * @param user {@code as}
 * @param uid {@code as-uid}
 * @param groups {@code as-groups}
 * @param extra {@code as-user-extra}
 */
public record Impersonation(
        Optional<String> user, Optional<String> uid, List<String> groups, Map<String, List<String>> extra) {
    public Impersonation {
        requireNonNull(user, "user is null");
        requireNonNull(uid, "uid is null");
        groups = List.copyOf(groups);
        extra = Map.copyOf(extra);
    }

    static Impersonation of(Section user) {
        Map<String, List<String>> extra = new LinkedHashMap<>();
        user.optionalSection("as-user-extra", user.place() + ": as-user-extra")
                .ifPresent(found -> found.fields().entries().keySet().forEach(key -> extra.put(key, found.texts(key))));
        return new Impersonation(user.text("as"), user.text("as-uid"), user.texts("as-groups"), extra);
    }
}
