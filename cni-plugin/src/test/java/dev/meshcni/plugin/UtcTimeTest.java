// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.plugin;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;

class UtcTimeTest {
    private static final long YEAR_9999 = 253_402_300_799_999L;

    @Property(tries = 20_000)
    void aMomentIsReadAsItself(@ForAll @LongRange(min = 0, max = YEAR_9999) long millis) {
        assertThat(Instant.parse(UtcTime.text(millis)).toEpochMilli()).isEqualTo(millis);
    }

    @Property
    void eachDayFollowsTheOneBefore(@ForAll @IntRange(min = 1970, max = 2499) int year) {
        Instant day = Instant.parse(year + "-01-01T00:00:00Z");
        for (int i = 0; i < 366; i++) {
            assertThat(UtcTime.text(day.toEpochMilli()))
                    .startsWith(day.toString().substring(0, 10));
            day = day.plus(1, ChronoUnit.DAYS);
        }
    }
}
