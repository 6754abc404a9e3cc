// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.iptables;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.redirect.DnsCapture;
import dev.meshcni.redirect.Parameter;
import dev.meshcni.redirect.RedirectParameters;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

class TrafficSettingsTest {
    @TempDir
    Path directory;

    private Accounts accounts;
    private Path resolvConf;

    @BeforeEach
    void writeFiles() throws IOException {
        Path passwd = Files.writeString(
                directory.resolve("passwd"),
                "root:x:0:0::/:/bin/sh\nistio-proxy:x:1500:1500::/:/bin/sh\nenvoy:x:77:7::/:\n");
        Path group = Files.writeString(directory.resolve("group"), "root:x:0:\nbatch:x:201:alice,bob\n");
        accounts = new Accounts(passwd, group);
        resolvConf = Files.writeString(
                directory.resolve("resolv.conf"), "search x\nnameserver 10.96.0.10\nnameserver\tfe80::1%eth0\n");
    }

    @Test
    void theProxyIsTheUserOfItsName() {
        RedirectParameters parameters = traffic(Map.of()).parameters();

        assertThat(parameters.proxy().uids()).containsExactly(1500L);
        assertThat(parameters.proxy().gids()).containsExactly(1500L);
        assertThat(parameters.origin(Parameter.PROXY_UIDS)).isEqualTo("user istio-proxy");
    }

    @Test
    void theProxysUserCanHaveAnotherName() {
        assertThat(traffic(Map.of("ENVOY_USER", "envoy")).parameters().proxy().uids())
                .containsExactly(77L);
    }

    @Test
    void aProxyThatHasNoUserHereIs1337() {
        assertThat(traffic(Map.of("ENVOY_USER", "nobody-here"))
                        .parameters()
                        .proxy()
                        .uids())
                .containsExactly(1337L);
    }

    @Test
    void withoutSurroundingsTheProxyIs1337() {
        Settings nothing = settings(Map.of());

        assertThat(new TrafficSettings(nothing, HostDefaults.ofDryRun())
                        .parameters()
                        .proxy()
                        .uids())
                .containsExactly(1337L);
    }

    @Test
    void theGroupsOfTheProxyAreItsUsersUnlessGiven() {
        assertThat(traffic(Map.of(), "-u", "3,4").parameters().proxy().gids()).containsExactly(3L, 4L);
        assertThat(traffic(Map.of(), "-u", "3,4", "-g", "1")
                        .parameters()
                        .proxy()
                        .gids())
                .containsExactly(1L);
    }

    @Test
    void theResolversComeFromResolvConf() {
        assertThat(traffic(Map.of(), "--redirect-dns").parameters().dns())
                .isEqualTo(new DnsCapture.Servers(
                        List.of(InetAddress.ofLiteral("10.96.0.10"), InetAddress.ofLiteral("fe80::1"))));
    }

    @Test
    void resolversThatAreGivenComeFirst() {
        assertThat(traffic(Map.of(), "--redirect-dns", "--dns-servers", "10.0.0.1")
                        .parameters()
                        .dns())
                .isEqualTo(new DnsCapture.Servers(List.of(InetAddress.ofLiteral("10.0.0.1"))));
    }

    @Test
    void withoutAnyResolverNoQueryIsRedirected() throws IOException {
        Files.writeString(resolvConf, "search x\n");

        assertThat(traffic(Map.of(), "--redirect-dns").parameters().dns()).isEqualTo(new DnsCapture.Off());
    }

    @Test
    void groupsAreLookedUpByName() {
        RedirectParameters parameters =
                traffic(Map.of("ISTIO_OUTBOUND_OWNER_GROUPS", "batch,202")).parameters();

        assertThat(parameters.outbound().ownerGroups().items()).containsExactly(201L, 202L);
    }

    @Test
    void theOriginOfAValueIsTheFlagOrTheVariable() {
        RedirectParameters parameters =
                traffic(Map.of("ISTIO_INBOUND_PORTS", "80"), "-o", "25").parameters();

        assertThat(parameters.origin(Parameter.INBOUND_PORTS)).isEqualTo("variable ISTIO_INBOUND_PORTS");
        assertThat(parameters.origin(Parameter.EXCLUDED_OUTBOUND_PORTS))
                .isEqualTo("flag --istio-local-outbound-ports-exclude");
        assertThat(parameters.origin(Parameter.TUNNEL_PORT)).isEqualTo("default");
    }

    @Test
    void nothingIsRedirectedUnlessItIsNamed() {
        RedirectParameters parameters = traffic(Map.of()).parameters();

        assertThat(parameters.inbound().ports().isNone()).isTrue();
        assertThat(parameters.outbound().cidrs().isNone()).isTrue();
    }

    @Test
    void forValidationEverythingIsExpectedToBeRedirectedUnlessSomethingElseIsSaid() {
        RedirectParameters parameters =
                traffic(Map.of(), "-b", "80").allByDefault().parameters();

        assertThat(parameters.inbound().ports().items()).containsExactly(80);
        assertThat(parameters.outbound().cidrs().isAll()).isTrue();
    }

    private TrafficSettings traffic(Map<String, String> environment, String... flags) {
        Settings settings = settings(environment, flags);
        return new TrafficSettings(
                settings, new HostDefaults(accounts, Optional.of(resolvConf), Optional.of("istio-proxy")));
    }

    private static Settings settings(Map<String, String> environment, String... flags) {
        CommandSpec spec = CommandSpec.create();
        IptablesFlag.addTo(spec, EnumSet.allOf(IptablesFlag.class));
        return new Settings(new CommandLine(spec).parseArgs(flags), environment);
    }
}
