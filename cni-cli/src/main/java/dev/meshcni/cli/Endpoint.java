// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import dev.meshcni.redirect.ParameterText;
import dev.meshcni.rules.InvalidParameterException;
import dev.meshcni.rules.TransportProtocol;
import java.net.InetAddress;
import java.util.Arrays;
import java.util.List;

/**
 * The destination of a connection, {@code tcp:10.0.0.1:443} or {@code udp:[2001:db8::1]:53}. Names are not resolved:
 * the rules of a pod know addresses only.
 */
record Endpoint(TransportProtocol protocol, InetAddress address, int port) {
    private static final String FORM = "it must look like tcp:10.0.0.1:443 or udp:[2001:db8::1]:53";

    /**
     * Reads an endpoint.
     *
     * @throws InvalidParameterException if the text is not one, with what is wrong
     */
    static Endpoint parse(String where, String text) {
        Port port = Port.parse(where, text, FORM);
        String rest = text.substring(text.indexOf(':') + 1, Math.max(text.indexOf(':') + 1, text.lastIndexOf(':')));
        boolean bracketed = rest.startsWith("[") && rest.endsWith("]");
        if (rest.isEmpty() || bracketed != rest.contains(":")) {
            throw new InvalidParameterException(where, text, FORM);
        }
        return new Endpoint(
                port.protocol(),
                address(where, text, bracketed ? rest.substring(1, rest.length() - 1) : rest),
                port.number());
    }

    private static InetAddress address(String where, String text, String part) {
        try {
            List<InetAddress> addresses = ParameterText.addresses(where, part);
            if (addresses.size() == 1) {
                return addresses.getFirst();
            }
        } catch (InvalidParameterException _) {
            // Said below, with the whole text.
        }
        throw new InvalidParameterException(where, text, FORM + ", with a literal address");
    }

    /** A port that a process listens on, {@code tcp:8080}. */
    record Port(TransportProtocol protocol, int number) {
        /**
         * Reads a port.
         *
         * @throws InvalidParameterException if the text is not one, with what is wrong
         */
        static Port parse(String where, String text) {
            if (text.indexOf(':') != text.lastIndexOf(':')) {
                throw new InvalidParameterException(where, text, "it must look like tcp:8080");
            }
            return parse(where, text, "it must look like tcp:8080");
        }

        private static Port parse(String where, String text, String form) {
            TransportProtocol protocol = Arrays.stream(TransportProtocol.values())
                    .filter(candidate -> text.startsWith(candidate.label() + ":"))
                    .findFirst()
                    .orElseThrow(() -> new InvalidParameterException(where, text, form));
            try {
                return new Port(protocol, ParameterText.port(where, text.substring(text.lastIndexOf(':') + 1)));
            } catch (InvalidParameterException _) {
                throw new InvalidParameterException(where, text, form + ", with a port from 0 to 65535");
            }
        }
    }
}
