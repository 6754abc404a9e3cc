// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.host.linux;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;

/** Paths for the C library: to the kernel, names are bytes, which need not be characters of any encoding. */
final class NativePath {
    /** What stands in the text of a path for bytes that are no UTF-8. */
    private static final char REPLACEMENT = '\uFFFD';

    private NativePath() {}

    /** The bytes of a path, with a zero behind them. */
    static MemorySegment of(Arena arena, Path path) {
        String text = path.toString();
        return text.indexOf(REPLACEMENT) < 0
                ? arena.allocateFrom(text)
                : arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes(path));
    }

    /** The URI of a path has all of its bytes, those that are no characters as two hexadecimal digits. */
    private static byte[] bytes(Path path) {
        String uri = path.toUri().getRawPath();
        // A directory gets one at its end.
        int length = uri.endsWith("/") && uri.length() > 1 ? uri.length() - 1 : uri.length();
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int i = 0; i < length; i++) {
            char c = uri.charAt(i);
            if (c == '%') {
                bytes.write(Integer.parseInt(uri, i + 1, i + 3, 16));
                i += 2;
            } else {
                bytes.write(c);
            }
        }
        bytes.write(0);
        return bytes.toByteArray();
    }
}
