// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.iptables;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ProcessRightsTest {
    @Test
    void theOwnerOfSocketsIsTheFileSystemUser() {
        ProcessRights rights =
                ProcessRights.parse("Uid:\t1\t2\t3\t1337\nGid:\t5\t6\t7\t1338\nCapEff:\t0000000000000000\n");

        assertThat(rights.uid()).isEqualTo(1337);
        assertThat(rights.gid()).isEqualTo(1338);
        assertThat(rights.canReadRules()).isFalse();
        assertThat(rights.canBecomeOthers()).isFalse();
    }

    @Test
    void anInitContainerWithNetAdminReadsRulesButCannotBecomeOthers() {
        ProcessRights rights = ProcessRights.parse("Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nCapEff:\t0000000000003000\n");

        assertThat(rights.canReadRules()).isTrue();
        assertThat(rights.canBecomeOthers()).isFalse();
    }

    @Test
    void allCapabilitiesAreRead() {
        ProcessRights rights = ProcessRights.parse("Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nCapEff:\tffffffffffffffff\n");

        assertThat(rights.canBecomeOthers()).isTrue();
    }

    @Test
    void thisProcessKnowsItsOwn() {
        assertThat(ProcessRights.own().uid()).isNotNegative();
    }
}
