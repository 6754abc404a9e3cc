// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.rules;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CidrTest {
    @ParameterizedTest
    @CsvSource({
        "10.1.2.3/8, 10.0.0.0/8",
        "10.1.2.3, 10.1.2.3/32",
        "::, ::/128",
        "::/0, ::/0",
        "::1, ::1/128",
        "::6/128, ::6/128",
        "2001:DB8:0:0:1:0:0:1, 2001:db8::1:0:0:1/128",
        "2001:db8:0:1:1:1:1:1, 2001:db8:0:1:1:1:1:1/128",
        "2001:db8:ffff::/33, 2001:db8:8000::/33",
        "1:2:3:4:5:6:0:0, 1:2:3:4:5:6::/128",
        "::127.0.0.53, ::7f00:35/128"
    })
    void aBlockIsWrittenInItsCanonicalForm(String text, String canonical) {
        assertThat(Cidr.parse(text)).hasToString(canonical);
        assertThat(Cidr.parse(canonical)).isEqualTo(Cidr.parse(text));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "/8",
                "10.0.0.0/08",
                "localhost",
                "1.2.3",
                "1.2.3.256",
                "01.2.3.4",
                "::/x",
                "::ffff:10.0.0.1",
                "1.2.3.4/",
                ":::"
            })
    void whatIsNoLiteralAddressIsRefused(String text) {
        assertThatThrownBy(() -> Cidr.parse(text)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aBlockHoldsTheAddressesOfItsPrefixAndFamily() {
        Cidr block = Cidr.parse("10.128.0.0/9");

        assertThat(block.contains(InetAddress.ofLiteral("10.255.1.1"))).isTrue();
        assertThat(block.contains(InetAddress.ofLiteral("10.127.1.1"))).isFalse();
        assertThat(block.contains(InetAddress.ofLiteral("2001:db8::1"))).isFalse();
    }
}
