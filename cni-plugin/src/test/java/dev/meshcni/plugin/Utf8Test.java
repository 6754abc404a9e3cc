// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.plugin;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;

class Utf8Test {
    @Property(tries = 20_000)
    void whatIsWellFormedIsWhatTheJdkDecodes(@ForAll @Size(max = 8) byte[] bytes) {
        assertThat(Utf8.isWellFormed(bytes)).isEqualTo(decodes(bytes));
    }

    @Property
    void aTextIsItself(@ForAll String text) {
        byte[] bytes = text.getBytes(UTF_8);

        assertThat(Utf8.isWellFormed(bytes)).isTrue();
        assertThat(Utf8.text(bytes, 0, bytes.length)).isEqualTo(new String(bytes, UTF_8));
    }

    @Example
    void everyCharacterIsWellFormed() {
        for (int c = 0; c <= Character.MAX_CODE_POINT; c++) {
            if (c < Character.MIN_SURROGATE || c > Character.MAX_SURROGATE) {
                byte[] bytes = Character.toString(c).getBytes(UTF_8);
                assertThat(Utf8.length(bytes[0])).isEqualTo(bytes.length);
                assertThat(Utf8.codePoint(bytes, 0, bytes.length)).isEqualTo(c);
            }
        }
    }

    @Example
    void whatIsMalformedIsReplacedByteByByteAndNothingElseIs() {
        byte[] bytes = {'a', (byte) 0xE2, (byte) 0x82, '/', (byte) 0xFF, 'b', (byte) 0xC3, (byte) 0xA4, (byte) 0xC3};

        assertThat(Utf8.text(bytes, 0, bytes.length)).isEqualTo("a\ufffd\ufffd/\ufffdb\u00e4\ufffd");
    }

    private static boolean decodes(byte[] bytes) {
        try {
            UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
            return true;
        } catch (CharacterCodingException e) {
            return false;
        }
    }
}
