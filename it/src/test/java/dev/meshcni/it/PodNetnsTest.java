// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.testkit.NeedsRoot;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@NeedsRoot("makes network namespaces")
class PodNetnsTest {
    private PodNetns world;

    @BeforeAll
    static void needs() {
        Machine.needs("ip", "nsenter", "iptables", "ip6tables");
    }

    @BeforeEach
    void create() {
        world = PodNetns.create();
        world.listenInside("app", Owner.APPLICATION, List.of(8080));
        world.listenInside("proxy", Owner.PROXY, List.of(15001, 15006, 15053));
        world.listenBeyond("beyond", List.of(53, 443));
    }

    @AfterEach
    void close() {
        world.close();
    }

    @Test
    void aConnectionToAnyAddressArrivesBeyondThePod() {
        for (String destination : List.of("10.1.2.3", "fd99::7")) {
            Outcome.Arrived arrived = arrived(world.inside().send(Probe.tcp(destination, 443)));
            assertThat(arrived.place()).isEqualTo("beyond:443");
            assertThat(arrived.local()).isEqualTo(address(destination, 443));
        }
    }

    @Test
    void aDatagramArrivesInBothFamilies() {
        assertThat(world.inside().send(Probe.udp("10.9.9.9", 53)).place()).isEqualTo("beyond:53");
        assertThat(world.inside().send(Probe.udp("fd99::53", 53)).place()).isEqualTo("beyond:53");
        assertThat(world.outside().send(Probe.udp(PodNetns.ADDRESS, 8080)).place())
                .isEqualTo("app:8080");
    }

    @Test
    void aSourceAddressBeyondThePodIsFree() {
        Probe probe = Probe.tcp(PodNetns.ADDRESS, 8080).from("10.200.0.1");
        assertThat(world.outside().send(probe).place()).isEqualTo("app:8080");
    }

    @Test
    void aPortWithoutListenerRefuses() {
        assertThat(world.outside().send(Probe.tcp(PodNetns.ADDRESS, 81))).isEqualTo(new Outcome.Refused());
        assertThat(world.outside().send(Probe.udp(PodNetns.ADDRESS_V6, 81))).isEqualTo(new Outcome.Refused());
    }

    @Test
    void aDroppedConnectionIsSilent() {
        world.pod().run("iptables", "-A", "INPUT", "-p", "tcp", "-j", "DROP");
        assertThat(world.outside().send(Probe.tcp(PodNetns.ADDRESS, 8080))).isEqualTo(new Outcome.Silent());
    }

    @Test
    void theOwnerMatchSeesUserAndGroupOfEachProbe() {
        for (String owner : List.of("--uid-owner", "--gid-owner")) {
            world.pod().run(redirect("ip6tables", "OUTPUT", 15001, "-m", "owner", "!", owner, "1337"));
        }
        List<Outcome> outcomes = world.inside()
                .send(List.of(
                        Probe.tcp("fd99::7", 443).as(Owner.PROXY),
                        Probe.tcp("fd99::7", 443).as(new Owner(1337, 5)),
                        Probe.tcp("fd99::7", 443).as(new Owner(5, 1337)),
                        Probe.tcp("fd99::7", 443).as(Owner.APPLICATION)));
        assertThat(outcomes)
                .map(Outcome::place)
                .containsExactly("beyond:443", "proxy:15001", "proxy:15001", "proxy:15001");
    }

    @Test
    void aRedirectedConnectionTellsWhereItWasGoing() {
        world.pod().run(redirect("iptables", "OUTPUT", 15001));
        Outcome.Arrived arrived = arrived(world.inside().send(Probe.tcp("10.1.2.3", 9999)));
        assertThat(arrived.place()).isEqualTo("proxy:15001");
        assertThat(arrived.originalDestination()).contains(address("10.1.2.3", 9999));
    }

    @Test
    void aConnectionThatTproxyDeliversKeepsItsDestination() {
        world.pod().ip("rule add fwmark 1337 lookup 133", "route add local default dev lo table 133");
        String tproxy = "iptables -t mangle -A PREROUTING -i eth0 -p tcp -j TPROXY --on-port 15006 --tproxy-mark 1337";
        world.pod().run(tproxy.split(" ", -1));
        Outcome.Arrived arrived = arrived(world.outside().send(Probe.tcp(PodNetns.ADDRESS, 8080)));
        assertThat(arrived.place()).isEqualTo("proxy:15006");
        assertThat(arrived.local()).isEqualTo(address(PodNetns.ADDRESS, 8080));
    }

    @Test
    void nothingIsLeftWhenTheWorldIsClosed() {
        PodNetns other = PodNetns.create();
        other.close();
        assertThat(other.pod().path()).doesNotExist();
        assertThat(other.beyond().path()).doesNotExist();
    }

    private static String[] redirect(String iptables, String chain, int port, String... matches) {
        List<String> line = new ArrayList<>(List.of(iptables, "-t", "nat", "-A", chain, "-p", "tcp"));
        line.addAll(List.of(matches));
        line.addAll(List.of("-j", "REDIRECT", "--to-ports", String.valueOf(port)));
        return line.toArray(String[]::new);
    }

    private static InetSocketAddress address(String literal, int port) {
        return new InetSocketAddress(InetAddress.ofLiteral(literal), port);
    }

    private static Outcome.Arrived arrived(Outcome outcome) {
        assertThat(outcome).isInstanceOf(Outcome.Arrived.class);
        return (Outcome.Arrived) outcome;
    }
}
