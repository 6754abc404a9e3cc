// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ConnectionSlotsTest {
    private final ConnectionSlots<String> places = new ConnectionSlots<>(6, 3);

    @Test
    void aPeerThatHasAllItMayHaveLosesItsOldest() {
        assertThat(take("b1", 2)).isEmpty();
        assertThat(take("a1", 1)).isEmpty();
        assertThat(take("a2", 1)).isEmpty();
        assertThat(take("a3", 1)).isEmpty();

        assertThat(take("a4", 1)).contains(new ConnectionSlots.Displaced<>("a1", HttpRefusal.PEER_LIMIT));

        assertThat(places.all()).containsExactly("b1", "a2", "a3", "a4");
    }

    @Test
    void whereAllPlacesAreTakenTheOldestOfThePeerThatHasMostGoes() {
        take("c1", 3);
        take("a1", 1);
        take("b1", 2);
        take("b2", 2);
        take("b3", 2);
        take("a2", 1);

        assertThat(take("d1", 4)).contains(new ConnectionSlots.Displaced<>("b1", HttpRefusal.FULL));

        assertThat(places.all()).containsExactly("c1", "a1", "b2", "b3", "a2", "d1");
    }

    @Test
    void whereNobodyHasMoreThanAnotherTheOldestOfAllGoes() {
        for (int peer = 1; peer <= 6; peer++) {
            take("of " + peer, peer);
        }

        assertThat(take("of 7", 7)).contains(new ConnectionSlots.Displaced<>("of 1", HttpRefusal.FULL));
    }

    @Test
    void aPlaceThatIsLeftIsFree() {
        take("a1", 1);
        take("a2", 1);
        take("a3", 1);
        places.leave("a2");
        places.leave("a2");
        places.leave("never there");

        assertThat(take("a4", 1)).isEmpty();
        assertThat(take("a5", 1)).map(ConnectionSlots.Displaced::connection).contains("a1");
    }

    @Test
    void itIsEmptyWhenAllHaveLeft() {
        take("a1", 1);
        assertThat(places.isEmpty()).isFalse();
        places.leave("a1");
        assertThat(places.isEmpty()).isTrue();
    }

    private Optional<ConnectionSlots.Displaced<String>> take(String connection, int peer) {
        try {
            return places.take(connection, InetAddress.getByAddress(new byte[] {10, 0, 0, (byte) peer}));
        } catch (UnknownHostException e) {
            throw new AssertionError(e);
        }
    }
}
