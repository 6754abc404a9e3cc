// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class IpNetTest {
    @ParameterizedTest
    @CsvSource({
        "10.1.2.3/24,10.1.2.3/24",
        "0.0.0.0/0,0.0.0.0/0",
        "::/0,::/0",
        "2001:DB8:0:0:1:0:0:1/64,2001:db8::1:0:0:1/64",
        "2001:db8:0:1:1:1:1:1/128,2001:db8:0:1:1:1:1:1/128",
        "fe80:0:0:0:0:0:0:1/10,fe80::1/10",
        "1:0:0:0:0:0:0:0/16,1::/16",
        "::1.2.3.4/128,::102:304/128"
    })
    void anAddressIsWrittenAsRfc5952Has(String text, String canonical) {
        assertThat(IpNet.parse(text)).hasToString(canonical);
    }

    @Test
    void theBitsOfTheHostAreKept() {
        IpNet net = IpNet.parse("10.1.2.3/8");

        assertThat(IpNet.text(net.address())).isEqualTo("10.1.2.3");
        assertThat(net.prefixLength()).isEqualTo(8);
    }

    @Test
    void aPrefixAsLongAsTheAddressIsAHost() {
        assertThat(IpNet.parse("10.1.2.3/32").isHost()).isTrue();
        assertThat(IpNet.parse("fd00::1/128").isHost()).isTrue();
        assertThat(IpNet.parse("fd00::1/32").isHost()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "/",
                "10.1.2.3",
                "10.1.2.3/",
                "10.1.2.3/33",
                "10.1.2.3/-1",
                "10.1.2.3/+8",
                "10.1.2.3/08x",
                "10.1.2/24",
                "10.1.2.256/24",
                "010.1.2.3/24",
                "localhost/8",
                "fd00::1/129",
                "fd00::1%eth0/64",
                "::ffff:10.1.2.3/120",
                "[fd00::1]/64",
                ".:1/64",
                ".fd00::1/64",
                "fd00:/64",
                "1/8",
                "0x7f.0.0.1/8"
            })
    void anythingElseIsRefused(String text) {
        assertThatIllegalArgumentException().isThrownBy(() -> IpNet.parse(text));
    }

    @Property
    void everyIpv6AddressIsReadBackAsItself(@ForAll @Size(16) byte[] bytes) throws UnknownHostException {
        InetAddress address = Inet6Address.getByAddress(null, bytes, -1);

        assertThat(IpNet.parseAddress(IpNet.text(address))).isEqualTo(address);
    }

    @Property
    void sparseIpv6AddressesAreReadBackToo(@ForAll @Size(8) boolean[] ones) throws UnknownHostException {
        byte[] bytes = new byte[16];
        for (int i = 0; i < 8; i++) {
            bytes[2 * i + 1] = (byte) (ones[i] ? 1 : 0);
        }
        InetAddress address = Inet6Address.getByAddress(null, bytes, -1);

        assertThat(IpNet.parseAddress(IpNet.text(address))).isEqualTo(address);
    }
}
