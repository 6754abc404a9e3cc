// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.rules.InvalidParameterException;
import dev.meshcni.rules.TransportProtocol;
import java.net.InetAddress;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EndpointTest {
    @Test
    void anIpv4AddressStandsBetweenProtocolAndPort() {
        assertThat(Endpoint.parse("option", "tcp:10.0.0.1:443"))
                .isEqualTo(new Endpoint(TransportProtocol.TCP, InetAddress.ofLiteral("10.0.0.1"), 443));
    }

    @Test
    void anIpv6AddressStandsInBrackets() {
        assertThat(Endpoint.parse("option", "udp:[fd00::a]:53"))
                .isEqualTo(new Endpoint(TransportProtocol.UDP, InetAddress.ofLiteral("fd00::a"), 53));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "tcp",
                "tcp:",
                "tcp:443",
                "tcp::443",
                "10.0.0.1:443",
                "sctp:10.0.0.1:443",
                "tcp:fd00::a:53",
                "tcp:[10.0.0.1]:53",
                "tcp:[]:53",
                "tcp:example.com:443",
                "tcp:10.0.0.1,10.0.0.2:443",
                "tcp:10.0.0.0/8:443",
                "tcp:10.0.0.1:65536",
                "tcp:10.0.0.1:"
            })
    void anythingElseIsRefusedWithAllThatWasWrittenAndTheFormThatIsMeant(String text) {
        assertThatThrownBy(() -> Endpoint.parse("option --connect", text))
                .isInstanceOf(InvalidParameterException.class)
                .hasMessageStartingWith("option --connect is \"" + text + "\": it must look like tcp:10.0.0.1:443");
    }

    @Test
    void aPortAloneHasNoAddress() {
        assertThat(Endpoint.Port.parse("option", "tcp:8080")).isEqualTo(new Endpoint.Port(TransportProtocol.TCP, 8080));
        assertThatThrownBy(() -> Endpoint.Port.parse("option", "tcp:10.0.0.1:8080"))
                .isInstanceOf(InvalidParameterException.class)
                .hasMessageContaining("tcp:8080");
        assertThatThrownBy(() -> Endpoint.Port.parse("option", "tcp:http"))
                .hasMessage("option is \"tcp:http\": it must look like tcp:8080, with a port from 0 to 65535");
    }
}
