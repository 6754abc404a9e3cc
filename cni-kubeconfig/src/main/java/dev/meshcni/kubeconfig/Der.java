// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubeconfig;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;

/** What is needed of DER (ITU-T X.690) to turn one form of a key into another. */
final class Der {
    static final int SEQUENCE = 0x30;

    private static final int OCTET_STRING = 0x04;
    private static final byte[] ZERO = {0x02, 0x01, 0x00};
    private static final int LONG_FORM = 0x80;

    private Der() {}

    /**
     * A private key as PKCS#8 has it (RFC 5208, section 5).
     *
     * @param algorithm the AlgorithmIdentifier
     * @param key the key in the form of its algorithm: RSAPrivateKey of PKCS#1, or ECPrivateKey of SEC 1
     */
    static byte[] pkcs8(byte[] algorithm, byte[] key) {
        return element(SEQUENCE, ZERO, algorithm, element(OCTET_STRING, key));
    }

    /**
     * An element inside a sequence, with its tag and length.
     *
     * @throws IllegalArgumentException if the sequence has no such element
     */
    static byte[] member(byte[] sequence, int index) {
        int at = start(sequence, 0);
        for (int passed = 0; passed < index; passed++) {
            at = end(sequence, at);
        }
        return Arrays.copyOfRange(sequence, at, end(sequence, at));
    }

    private static byte[] element(int tag, byte[]... contents) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        int length = Arrays.stream(contents).mapToInt(content -> content.length).sum();
        out.write(tag);
        if (length < LONG_FORM) {
            out.write(length);
        } else {
            int bytes = (Integer.SIZE - Integer.numberOfLeadingZeros(length) + 7) / 8;
            out.write(LONG_FORM | bytes);
            for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
                out.write(length >> shift);
            }
        }
        Arrays.stream(contents).forEach(out::writeBytes);
        return out.toByteArray();
    }

    /** Where the content of the element at a place begins. */
    private static int start(byte[] der, int at) {
        int length = at(der, at + 1);
        return at + 2 + (length < LONG_FORM ? 0 : length - LONG_FORM);
    }

    /** Where the element at a place ends. */
    private static int end(byte[] der, int at) {
        int start = start(der, at);
        long length = at(der, at + 1);
        if (length >= LONG_FORM) {
            length = 0;
            for (int i = at + 2; i < start; i++) {
                length = length << 8 | at(der, i);
            }
        }
        if (length < 0 || length > der.length - start) {
            throw new IllegalArgumentException("truncated");
        }
        return Math.toIntExact(start + length);
    }

    private static int at(byte[] der, int index) {
        if (index < 0 || index >= der.length) {
            throw new IllegalArgumentException("truncated");
        }
        return Byte.toUnsignedInt(der[index]);
    }
}
