// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.config;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;

/** The text of a file: UTF-8, with or without a byte order mark. */
public final class YamlText {
    private static final String REMEDY = "save the file as UTF-8";

    private YamlText() {}

    /**
     * Decodes bytes.
     *
     * @param source what errors call the file
     * @throws ManifestException if they are not UTF-8, with the place of the first byte that is not
     */
    public static String decode(String source, byte[] bytes) {
        Yaml.Position start = new Yaml.Position(source, 1, 1);
        if (startsWith(bytes, 0xff, 0xfe, 0, 0) || startsWith(bytes, 0, 0, 0xfe, 0xff)) {
            throw new ManifestException(start, "the byte order mark is that of UTF-32; " + REMEDY);
        }
        if (startsWith(bytes, 0xff, 0xfe) || startsWith(bytes, 0xfe, 0xff)) {
            throw new ManifestException(start, "the byte order mark is that of UTF-16; " + REMEDY);
        }
        if (bytes.length >= 2 && (bytes[0] == 0) != (bytes[1] == 0)) {
            throw new ManifestException(start, "the text is UTF-16 without a byte order mark; " + REMEDY);
        }
        CharBuffer text = CharBuffer.allocate(bytes.length);
        CoderResult result = UTF_8.newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT)
                .decode(ByteBuffer.wrap(bytes), text, true);
        String decoded = text.flip().toString();
        if (result.isError()) {
            throw new ManifestException(end(source, decoded), "the text is not UTF-8; " + REMEDY);
        }
        return decoded;
    }

    private static boolean startsWith(byte[] bytes, int... mark) {
        for (int i = 0; i < mark.length; i++) {
            if (i >= bytes.length || (bytes[i] & 0xff) != mark[i]) {
                return false;
            }
        }
        return true;
    }

    /** The place after a text. */
    private static Yaml.Position end(String source, String text) {
        int line = 1 + (int) text.chars().filter(c -> c == '\n').count();
        return new Yaml.Position(source, line, text.length() - text.lastIndexOf('\n'));
    }
}
