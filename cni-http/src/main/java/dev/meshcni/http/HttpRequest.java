// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.http;

import static java.util.Objects.requireNonNull;

import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The head of a request (RFC 9112), as far as a page can depend on it.
 *
 * @param method the method, whatever it is
 * @param path the path, decoded; not safe to be logged
 * @param accept the first header {@code Accept}, if there is one
 */
public record HttpRequest(String method, String path, Optional<String> accept) {
    private static final String TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
    private static final Pattern REQUEST_LINE = Pattern.compile("(" + TOKEN + ") (\\S+) HTTP/(\\d)\\.\\d");
    private static final Pattern HEADER = Pattern.compile("(" + TOKEN + "):(.*)", Pattern.DOTALL);
    private static final Pattern LINE_END = Pattern.compile("\r?\n");

    private static final int DELETE = 0x7f;

    public HttpRequest {
        requireNonNull(method, "method is null");
        requireNonNull(path, "path is null");
        requireNonNull(accept, "accept is null");
    }

    /**
     * Where a head ends: behind the first empty line.
     *
     * @param bytes what a peer has sent
     * @param from the index at which to begin, at most 3 behind what was looked at before
     * @param to the end of what it has sent
     * @return the number of bytes, or -1 if the empty line is not there yet
     */
    static int end(byte[] bytes, int from, int to) {
        for (int i = Math.max(from, 1); i < to; i++) {
            boolean lineEnds = bytes[i] == '\n';
            boolean isEmpty = bytes[i - 1] == '\n' || (bytes[i - 1] == '\r' && i > 1 && bytes[i - 2] == '\n');
            if (lineEnds && isEmpty) {
                return i + 1;
            }
        }
        return -1;
    }

    /**
     * Reads a complete head.
     *
     * @throws HttpRefusedException if it is not one, or not one of HTTP/1
     */
    static HttpRequest parse(byte[] head) throws HttpRefusedException {
        String[] lines = LINE_END.split(new String(head, StandardCharsets.ISO_8859_1));
        if (Stream.of(lines).flatMapToInt(String::chars).anyMatch(c -> (c < ' ' && c != '\t') || c == DELETE)) {
            throw malformed("control character in the request head");
        }
        Matcher line = lines.length == 0 ? REQUEST_LINE.matcher("") : REQUEST_LINE.matcher(lines[0]);
        if (!line.matches()) {
            throw malformed("invalid request line");
        }
        if (!line.group(3).equals("1")) {
            throw new HttpRefusedException(HttpRefusal.VERSION, 505, "only HTTP/1.1 is supported");
        }
        return new HttpRequest(line.group(1), path(line.group(2)), accept(lines));
    }

    boolean isHead() {
        return method.equals("HEAD");
    }

    boolean isGetOrHead() {
        return method.equals("GET") || isHead();
    }

    private static String path(String target) throws HttpRefusedException {
        try {
            String path = new URI(target).getPath();
            if (path == null) {
                throw malformed("request target has no path");
            }
            return path;
        } catch (URISyntaxException e) {
            throw malformed("request target is not a URI");
        }
    }

    private static Optional<String> accept(String[] lines) throws HttpRefusedException {
        Optional<String> accept = Optional.empty();
        for (String line : Arrays.asList(lines).subList(1, lines.length)) {
            Matcher header = HEADER.matcher(line);
            if (!header.matches()) {
                throw malformed("invalid header line");
            }
            if (accept.isEmpty() && header.group(1).equalsIgnoreCase("Accept")) {
                accept = Optional.of(header.group(2).strip());
            }
        }
        return accept;
    }

    private static HttpRefusedException malformed(String what) {
        return new HttpRefusedException(HttpRefusal.MALFORMED, 400, what);
    }
}
