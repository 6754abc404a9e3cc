// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.netns.linux.Rtnetlink.MarkRule;
import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.Mark;
import dev.meshcni.testkit.NeedsRoot;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@NeedsRoot("makes network namespaces")
class RtnetlinkTest {
    private static final Cidr PASSTHROUGH = Cidr.parse("::6");

    private TestNetns netns;

    @BeforeEach
    void makeNamespace() {
        netns = new TestNetns();
    }

    @AfterEach
    void removeNamespace() {
        if (netns != null) {
            netns.close();
        }
    }

    @Test
    void aLocalAddressCanBeAddedSeenAndDeleted() {
        inside(rtnetlink -> {
            assertThat(rtnetlink.hasLocalAddress(PASSTHROUGH)).isFalse();
            rtnetlink.addLocalAddress(PASSTHROUGH);
            rtnetlink.addLocalAddress(PASSTHROUGH);
            return assertThat(rtnetlink.hasLocalAddress(PASSTHROUGH)).isTrue();
        });
        assertThat(netns.exec("ip", "-6", "addr", "show", "dev", "lo")).contains("inet6 ::6/128");

        inside(rtnetlink -> {
            rtnetlink.deleteLocalAddress(PASSTHROUGH);
            return assertThat(rtnetlink.hasLocalAddress(PASSTHROUGH)).isFalse();
        });
    }

    @ParameterizedTest
    @EnumSource
    void whatIpShowsIsWhatIpWouldHaveMade(IpFamily family) {
        String ip = family == IpFamily.IPV4 ? "ip" : "ip -6";
        netns.shell(ip + " rule add fwmark 1337 lookup 133; " + ip + " route add local default dev lo table 133");
        String made = netns.shell(ip + " rule; " + ip + " route show table 133");
        inside(rtnetlink -> {
            assertThat(rtnetlink.markRules(family)).containsExactly(new MarkRule(1337, 133, 32765));
            assertThat(rtnetlink.hasLocalRoute(family, 133)).isTrue();
            rtnetlink.deleteMarkRule(family, new MarkRule(1337, 133, 32765));
            rtnetlink.deleteLocalRoute(family, 133);
            assertThat(rtnetlink.markRules(family)).isEmpty();
            assertThat(rtnetlink.hasLocalRoute(family, 133)).isFalse();

            rtnetlink.addMarkRule(family, new MarkRule(1337, 133, 0));
            rtnetlink.addLocalRoute(family, 133);
            return 0;
        });

        assertThat(netns.shell(ip + " rule; " + ip + " route show table 133")).isEqualTo(made);
    }

    @Test
    void rulesAndRoutesOfOthersAreNotTakenForOurs() {
        netns.shell("ip rule add fwmark 0x1/0xff lookup 133; ip rule add from 10.0.0.0/8 lookup 133;"
                + "ip route add local 10.0.0.0/8 dev lo table 133; ip route add unreachable default table 133");

        inside(rtnetlink -> {
            assertThat(rtnetlink.markRules(IpFamily.IPV4))
                    .containsExactly(new MarkRule(new Mark(0x1, 0xff), 133, 32765));
            assertThat(rtnetlink.rulesTo(IpFamily.IPV4, 133)).isEqualTo(2);
            return assertThat(rtnetlink.hasLocalRoute(IpFamily.IPV4, 133)).isFalse();
        });
    }

    @ParameterizedTest
    @EnumSource
    void aPartOfAMarkAndAPlaceAmongTheRulesAreAsIpWouldHaveMadeThem(IpFamily family) {
        String ip = family == IpFamily.IPV4 ? "ip" : "ip -6";
        netns.shell(ip + " rule add fwmark 0x111/0xfff pref 32764 lookup 100");
        String made = netns.shell(ip + " rule");
        MarkRule rule = new MarkRule(new Mark(0x111, 0xfff), 100, 32764);
        inside(rtnetlink -> {
            assertThat(rtnetlink.markRules(family)).containsExactly(rule);
            rtnetlink.deleteMarkRule(family, rule);
            assertThat(rtnetlink.markRules(family)).isEmpty();
            rtnetlink.addMarkRule(family, rule);
            return 0;
        });

        assertThat(netns.shell(ip + " rule")).isEqualTo(made);
    }

    @Test
    void loopbackGoesUpAndDown() {
        inside(rtnetlink -> {
            assertThat(rtnetlink.loopbackUp()).isTrue();
            rtnetlink.setLoopbackUp(false);
            assertThat(rtnetlink.loopbackUp()).isFalse();
            rtnetlink.setLoopbackUp(true);
            return assertThat(rtnetlink.loopbackUp()).isTrue();
        });
    }

    private <T> T inside(Function<Rtnetlink, T> action) {
        return NetworkNamespace.inside(netns.path(), () -> {
            try (Rtnetlink rtnetlink = new Rtnetlink()) {
                return action.apply(rtnetlink);
            }
        });
    }
}
