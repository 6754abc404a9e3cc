// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.util.Set;
import java.util.function.Consumer;

/**
 * The metadata of a list page.
 *
 * @param version the version of the list
 * @param next the token for the next page; empty after the last one
 */
record PodListPage(String version, String next) {
    /**
     * Reads a page to its end, and hands on each pod when it is read.
     *
     * @throws IOException if it ends early or is no list
     */
    static PodListPage read(JsonParser json, Set<String> selectors, Consumer<BoundedPod> pods) throws IOException {
        if (json.nextToken() != JsonToken.START_OBJECT) {
            throw new IOException("the response is not a pod list");
        }
        String[] metadata = {"", ""};
        JsonFields.object(json, field -> {
            switch (field) {
                case "items" -> JsonFields.array(json, () -> pods.accept(PodJson.read(json, selectors)));
                case "metadata" ->
                    JsonFields.object(json, name -> {
                        switch (name) {
                            case "resourceVersion" ->
                                metadata[0] = BoundedTexts.read(json).value();
                            case "continue" ->
                                metadata[1] = BoundedTexts.read(json).value();
                            default -> {}
                        }
                    });
                default -> {}
            }
        });
        return new PodListPage(metadata[0], metadata[1]);
    }
}
