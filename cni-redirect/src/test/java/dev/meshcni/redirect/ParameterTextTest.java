// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.InterfaceName;
import dev.meshcni.rules.InvalidParameterException;
import java.net.InetAddress;
import java.util.List;
import java.util.OptionalLong;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ParameterTextTest {
    private static final String WHERE = "flag -o";

    @Test
    void aListMayHaveBlanksAndEmptyItemsAndRepetitions() {
        assertThat(ParameterText.ports(WHERE, " 80, 8080 ,,80,")).containsExactly(80, 8080);
        assertThat(ParameterText.ports(WHERE, "")).isEmpty();
        assertThat(ParameterText.ports(WHERE, " , ")).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "65536",
                "-1",
                "http",
                "80:90",
                "0x50",
                "80 90",
                "*",
                "80,*",
                "\u0668\u0660",
                "1e3",
                "99999999999999999999"
            })
    void whatIsNoPortIsRefused(String text) {
        assertThatThrownBy(() -> ParameterText.ports(WHERE, text))
                .isInstanceOf(InvalidParameterException.class)
                .hasMessageStartingWith(WHERE)
                .hasMessageContaining("a port is a number from 0 to 65535");
    }

    @Test
    void theErrorKnowsParameterAndValue() {
        assertThatThrownBy(() -> ParameterText.ports(WHERE, "80,http"))
                .isInstanceOfSatisfying(InvalidParameterException.class, e -> {
                    assertThat(e.parameter()).isEqualTo(WHERE);
                    assertThat(e.value()).isEqualTo("80,http");
                })
                .hasMessage("flag -o is \"80,http\": \"http\" is not allowed, a port is a number from 0 to 65535");
    }

    @Test
    void theErrorIsOneShortLineWhateverTheValue() {
        assertThatThrownBy(() -> ParameterText.ports(WHERE, "\n*nat\u202e\"" + "x".repeat(10_000)))
                .message()
                .hasSizeLessThan(400)
                .matches("[ -~]*")
                .contains("\\u000a*nat\\u202e\\\"xxx");
    }

    @Test
    void aListIsBoundedAndTheErrorSaysTheBound() {
        String most = IntStream.range(0, 4096).mapToObj(String::valueOf).collect(Collectors.joining(","));

        assertThat(ParameterText.ports(WHERE, most)).hasSize(4096);
        assertThatThrownBy(() -> ParameterText.ports(WHERE, most + ",5000"))
                .hasMessageContaining("exceeds the limit of 4096 entries");
    }

    @Test
    void aStarSelectsAllPorts() {
        assertThat(ParameterText.portSelection(WHERE, " * ")).isEqualTo(Selection.all());
        assertThat(ParameterText.portSelection(WHERE, "80")).isEqualTo(Selection.only(List.of(80)));
        assertThat(ParameterText.portSelection(WHERE, "").isNone()).isTrue();
    }

    @Test
    void addressRangesOfBothFamiliesBecomeCanonical() {
        assertThat(ParameterText.cidrs(WHERE, "10.1.2.3/8,2001:DB8:0::1/32, 192.0.2.1"))
                .extracting(Cidr::toString)
                .containsExactly("10.0.0.0/8", "2001:db8::/32", "192.0.2.1/32");
        assertThat(ParameterText.cidrSelection(WHERE, "*").isAll()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "*",
                "10.0.0.0/33",
                "10.0.0/8",
                "example.org",
                "::/129",
                "fe80::1%eth0/64",
                "10.0.0.0/-1",
                "010.0.0.0/8"
            })
    void whatIsNoAddressRangeIsRefused(String text) {
        assertThatThrownBy(() -> ParameterText.cidrs(WHERE, text))
                .isInstanceOf(InvalidParameterException.class)
                .hasMessageContaining("10.0.0.0/8 or 2001:db8::/32");
    }

    @ParameterizedTest
    @ValueSource(strings = {"eth+", "!eth0", "a/b", "sixteencharacter", "-j", "eth0 -j ACCEPT", "..", "et\u00fcr"})
    void whatIsNoSafeInterfaceNameIsRefused(String text) {
        assertThatThrownBy(() -> ParameterText.interfaces(WHERE, text)).isInstanceOf(InvalidParameterException.class);
    }

    @Test
    void interfacesKeepTheirOrder() {
        assertThat(ParameterText.interfaces(WHERE, "net1, eth0.100,net1"))
                .extracting(InterfaceName::value)
                .containsExactly("net1", "eth0.100");
    }

    @Test
    void idsAreUnsigned32BitNumbers() {
        assertThat(ParameterText.ids(WHERE, "3,4294967294")).containsExactly(3L, 4_294_967_294L);
        assertThatThrownBy(() -> ParameterText.ids(WHERE, "4294967295")).isInstanceOf(InvalidParameterException.class);
    }

    @Test
    void groupsMayBeNamedWhereNamesAreKnown() {
        assertThat(ParameterText.groups(WHERE, "202,java", name -> OptionalLong.of(201)))
                .containsExactly(202L, 201L);
        assertThatThrownBy(() -> ParameterText.groups(WHERE, "java", ParameterText::noGroupNames))
                .hasMessageContaining("if the pod's groups can be looked up");
    }

    @Test
    void includedGroupsAreBoundedAsTheyShareOneRule() {
        String tooMany = IntStream.range(0, 65).mapToObj(String::valueOf).collect(Collectors.joining(","));

        assertThatThrownBy(() -> ParameterText.groupSelection(WHERE, tooMany, ParameterText::noGroupNames))
                .hasMessageContaining("exceeds the limit of 64 entries");
        assertThat(ParameterText.groups(WHERE, tooMany, ParameterText::noGroupNames))
                .hasSize(65);
    }

    @Test
    void resolversAreSingleAddresses() {
        assertThat(ParameterText.addresses(WHERE, "127.0.0.53,::127.0.0.53"))
                .containsExactly(InetAddress.ofLiteral("127.0.0.53"), InetAddress.ofLiteral("::7f00:35"));
        assertThatThrownBy(() -> ParameterText.addresses(WHERE, "10.0.0.0/8"))
                .isInstanceOf(InvalidParameterException.class);
    }

    @Test
    void theLoopbackRangeLiesInLoopback() {
        assertThat(ParameterText.ipv4Loopback(WHERE, "127.0.0.1/8")).isEqualTo(Cidr.parse("127.0.0.0/8"));
        for (String bad : List.of("10.0.0.0/8", "127.0.0.1/7", "::1/128", "lo")) {
            assertThatThrownBy(() -> ParameterText.ipv4Loopback(WHERE, bad)).hasMessageContaining("within 127.0.0.0/8");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"1", "t", "T", "true", "TRUE", "True"})
    void trueHasTheSpellingsOfIstio(String text) {
        assertThat(ParameterText.flag(WHERE, text)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "f", "F", "false", "FALSE", "False"})
    void falseHasTheSpellingsOfIstio(String text) {
        assertThat(ParameterText.flag(WHERE, text)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"yes", "", "tRUE", "on"})
    void otherSpellingsAreNoTruthValues(String text) {
        assertThatThrownBy(() -> ParameterText.flag(WHERE, text)).hasMessageContaining("true or false");
    }

    @Test
    void numbersStayInTheirRange() {
        assertThat(ParameterText.number(WHERE, " 133 ", 1, 252)).isEqualTo(133);
        assertThatThrownBy(() -> ParameterText.number(WHERE, "253", 1, 252)).hasMessageContaining("from 1 to 252");
        assertThatThrownBy(() -> ParameterText.number(WHERE, "", 0, 9)).hasMessageContaining("from 0 to 9");
    }

    @Test
    void modesAreWrittenInUpperCase() {
        assertThat(ParameterText.mode(WHERE, "TPROXY")).isEqualTo(InterceptionMode.TPROXY);
        assertThatThrownBy(() -> ParameterText.mode(WHERE, "tproxy")).hasMessageContaining("REDIRECT, TPROXY");
    }
}
