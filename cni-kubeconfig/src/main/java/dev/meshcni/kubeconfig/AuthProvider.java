// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubeconfig;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.api.CniException;
import dev.meshcni.api.CniJson;
import dev.meshcni.config.DaemonException;
import java.time.Instant;
import java.util.Base64;

/** {@code auth-provider}: what is left of it in Kubernetes is {@code oidc}, whose token is used while it lasts. */
final class AuthProvider {
    private AuthProvider() {}

    /**
     * The token.
     *
     * @throws DaemonException for any other provider, and if the token has expired
     */
    static String token(Section provider) {
        String name = provider.text("name").orElse("");
        if (!name.equals("oidc")) {
            throw provider.wrong(
                    "name", "\"" + name + "\" is no longer part of Kubernetes; use the exec plugin of your provider");
        }
        Section config = provider.section("config", provider.place());
        String token = config.text("id-token").orElseThrow(() -> config.wrong("id-token", "is missing"));
        if (isOver(token)) {
            throw config.wrong("id-token", "has expired; kubectl get nodes writes a new one into the kubeconfig");
        }
        return token;
    }

    /** By the claim {@code exp} of a JSON Web Token (RFC 7519, section 4.1.4), in seconds; without it, never. */
    private static boolean isOver(String token) {
        String[] parts = token.split("\\.", -1);
        try {
            ObjectNode claims = CniJson.object(Base64.getUrlDecoder().decode(parts.length > 1 ? parts[1] : ""));
            long end = claims.path("exp").asLong(Long.MAX_VALUE);
            return Instant.now().getEpochSecond() >= end;
        } catch (IllegalArgumentException | CniException _) {
            return false;
        }
    }
}
