// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.rules.Cidr;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class RedirectParametersTest {
    @Test
    void theDefaultsAreThoseOfIstio() {
        RedirectParameters defaults = RedirectParameters.builder().build();

        assertThat(defaults.mode()).isEqualTo(InterceptionMode.REDIRECT);
        assertThat(List.of(
                        defaults.proxy().outboundPort(),
                        defaults.proxy().inboundPort(),
                        defaults.proxy().tunnelPort()))
                .containsExactly(15001, 15006, 15008);
        assertThat(defaults.proxy().uids()).containsExactly(1337L);
        assertThat(defaults.inbound().ports().isAll()).isTrue();
        assertThat(defaults.outbound().cidrs().isAll()).isTrue();
        assertThat(defaults.tproxy().mark()).isEqualTo(1337);
        assertThat(defaults.tproxy().outboundMark()).isEqualTo(1338);
        assertThat(defaults.tproxy().routeTable()).isEqualTo(133);
        assertThat(defaults.origin(Parameter.PROXY_PORT)).isEqualTo("default");
    }

    @Test
    void anOriginIsKept() {
        RedirectParameters parameters = RedirectParameters.builder()
                .proxyPort(15101)
                .origin(Parameter.PROXY_PORT, "flag -p")
                .build();

        assertThat(parameters.origin(Parameter.PROXY_PORT)).isEqualTo("flag -p");
    }

    @Test
    void listsHoldEachItemOnce() {
        RedirectParameters parameters = RedirectParameters.builder()
                .excludedOutboundPorts(List.of(80, 443, 80))
                .inboundPorts(Selection.only(List.of(1, 1)))
                .build();

        assertThat(parameters.outbound().excludedPorts()).containsExactly(80, 443);
        assertThat(parameters.inbound().ports().items()).containsExactly(1);
    }

    static Stream<Consumer<RedirectParametersBuilder>> notAllowed() {
        return Stream.of(
                builder -> builder.proxyPort(65_536),
                builder -> builder.proxyUids(List.of()),
                builder -> builder.proxyGids(List.of(-1L)),
                builder -> builder.inboundPorts(Selection.only(List.of(-1))),
                builder -> builder.excludedInboundPorts(List.of(70_000)),
                builder ->
                        builder.outboundPorts(IntStream.range(0, 4097).boxed().toList()),
                builder -> builder.ownerGroups(Selection.only(
                        IntStream.range(0, 65).mapToObj(Long::valueOf).toList())),
                builder -> builder.tproxyMark(0),
                builder -> builder.tproxyMark(1338),
                builder -> builder.routeTable(254),
                builder -> builder.ipv4Loopback(Cidr.parse("10.0.0.0/8")));
    }

    @ParameterizedTest
    @MethodSource("notAllowed")
    void valuesThatMakeNoRulesAreRefused(Consumer<RedirectParametersBuilder> change) {
        RedirectParametersBuilder builder = RedirectParameters.builder();
        change.accept(builder);

        assertThatThrownBy(builder::build).isInstanceOf(IllegalArgumentException.class);
    }
}
