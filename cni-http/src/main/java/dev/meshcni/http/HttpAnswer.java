// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.http;

import static java.util.Objects.requireNonNull;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** An answer, complete in memory. The connection ends with it. */
public final class HttpAnswer {
    /** The form of RFC 9110, section 5.6.7. */
    private static final DateTimeFormatter DATE =
            DateTimeFormatter.ofPattern("EEE, dd MMM uuuu HH:mm:ss 'GMT'", Locale.ENGLISH);

    private final int status;
    private final String headers;
    private final byte[] body;

    private HttpAnswer(int status, String headers, byte[] body) {
        this.status = status;
        this.headers = headers;
        this.body = body;
    }

    /** A line of text. */
    public static HttpAnswer text(int status, String line) {
        return of(status, "text/plain; charset=utf-8", (line + "\n").getBytes(StandardCharsets.UTF_8));
    }

    /** A line of JSON. */
    public static HttpAnswer json(String line) {
        return of(200, "application/json", (line + "\n").getBytes(StandardCharsets.UTF_8));
    }

    /** Bytes, which are not copied. */
    public static HttpAnswer of(int status, String contentType, byte[] body) {
        requireNonNull(contentType, "contentType is null");
        return new HttpAnswer(status, "Content-Type: " + contentType + "\r\n", requireNonNull(body, "body is null"));
    }

    static HttpAnswer notFound() {
        return new HttpAnswer(404, "", new byte[0]);
    }

    static HttpAnswer methodNotAllowed() {
        return new HttpAnswer(405, "Allow: GET, HEAD\r\n", new byte[0]);
    }

    int status() {
        return status;
    }

    /** The bytes to send; for HEAD without the body, but with its length in the header. */
    ByteBuffer[] bytes(boolean isHead) {
        String head = "HTTP/1.1 " + status + " " + phrase(status) + "\r\nDate: "
                + DATE.format(ZonedDateTime.now(ZoneOffset.UTC)) + "\r\n" + headers + "Content-Length: " + body.length
                + "\r\nConnection: close\r\n\r\n";
        ByteBuffer first = ByteBuffer.wrap(head.getBytes(StandardCharsets.ISO_8859_1));
        return isHead ? new ByteBuffer[] {first} : new ByteBuffer[] {first, ByteBuffer.wrap(body)};
    }

    private static String phrase(int status) {
        return switch (status) {
            case 200 -> "OK";
            case 400 -> "Bad Request";
            case 404 -> "Not Found";
            case 405 -> "Method Not Allowed";
            case 431 -> "Request Header Fields Too Large";
            case 500 -> "Internal Server Error";
            case 503 -> "Service Unavailable";
            case 505 -> "HTTP Version Not Supported";
            default -> "";
        };
    }
}
