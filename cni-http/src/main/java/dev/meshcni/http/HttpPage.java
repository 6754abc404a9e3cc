// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.http;

import static java.util.Objects.requireNonNull;

import java.io.IOException;

/**
 * The page at a path.
 *
 * @param path the path, all of it
 * @param content what answers
 * @param atOnce whether it is certain to answer without waiting for anything: no lock, no disk, no work to speak of
 */
public record HttpPage(String path, Content content, boolean atOnce) {
    /** A handler of requests. Any exception becomes a response with status 500. */
    @FunctionalInterface
    public interface Content {
        HttpAnswer answer(HttpRequest request) throws IOException;
    }

    public HttpPage {
        requireNonNull(path, "path is null");
        requireNonNull(content, "content is null");
    }

    /** A page that waits for nothing. */
    public static HttpPage atOnce(String path, Content content) {
        return new HttpPage(path, content, true);
    }

    /** A page that works, or that may have to wait: it delays no other one. */
    public static HttpPage working(String path, Content content) {
        return new HttpPage(path, content, false);
    }
}
