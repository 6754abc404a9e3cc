// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubeconfig;

import static java.util.Objects.requireNonNull;

import dev.meshcni.config.DaemonException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/**
 * A block of a PEM file (RFC 7468, and RFC 1421 for its headers).
 *
 * @param label the label of its first line, such as {@code EC PRIVATE KEY}
 * @param encrypted whether its headers say that its content is encrypted
 * @param content the content in Base64
 */
record Pem(String label, boolean encrypted, String content) {
    private static final String BEGIN = "-----BEGIN ";
    private static final String END = "-----END ";
    private static final String RULE = "-----";

    Pem {
        requireNonNull(label, "label is null");
        requireNonNull(content, "content is null");
    }

    /**
     * The blocks of a file; what stands between them is ignored.
     *
     * @throws DaemonException if a block has no end
     */
    static List<Pem> blocks(Section.Material material) {
        List<Pem> blocks = new ArrayList<>();
        String label = "";
        boolean encrypted = false;
        StringBuilder base64 = new StringBuilder();
        for (String line : material.text().lines().map(String::strip).toList()) {
            if (line.startsWith(BEGIN) && line.endsWith(RULE)) {
                label = line.substring(BEGIN.length(), line.length() - RULE.length());
                encrypted = false;
                base64.setLength(0);
            } else if (line.startsWith(END) && !label.isEmpty()) {
                blocks.add(new Pem(label, encrypted, base64.toString()));
                label = "";
            } else if (line.indexOf(':') >= 0) {
                encrypted |= line.startsWith("Proc-Type:") && line.endsWith("ENCRYPTED");
            } else if (!label.isEmpty()) {
                base64.append(line);
            }
        }
        if (!label.isEmpty()) {
            throw new DaemonException(material.place() + ": the block " + BEGIN + label + RULE + " has no end");
        }
        return blocks;
    }

    /** The decoded content. */
    byte[] der() {
        return Base64.getMimeDecoder().decode(content);
    }
}
