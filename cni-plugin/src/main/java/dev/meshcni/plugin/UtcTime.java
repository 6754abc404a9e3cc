// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.plugin;

/**
 * Moments as {@link java.time.Instant} writes them, which the plugin does without: its calendars would be half of the
 * program.
 */
final class UtcTime {
    private static final long MILLIS_PER_SECOND = 1_000;
    private static final long SECONDS_PER_DAY = 86_400;
    private static final int DAYS_PER_400_YEARS = 146_097;
    private static final int DAYS_PER_100_YEARS = 36_524;
    private static final int DAYS_PER_4_YEARS = 1_461;
    private static final int DAYS_PER_YEAR = 365;

    /** From 0000-03-01 to 1970-01-01: counted from March on, the leap day is the last day of its year. */
    private static final int DAYS_BEFORE_1970 = 719_468;

    private UtcTime() {}

    /** A moment, in milliseconds since 1970, as ISO 8601 has it; before 1970 it is taken for that. */
    static String text(long millis) {
        long known = Math.max(0, millis);
        long seconds = known / MILLIS_PER_SECOND;
        int second = (int) (seconds % SECONDS_PER_DAY);
        StringBuilder text = new StringBuilder();
        date(text, seconds / SECONDS_PER_DAY + DAYS_BEFORE_1970);
        digits(text.append('T'), second / 3_600, 2);
        digits(text.append(':'), second / 60 % 60, 2);
        digits(text.append(':'), second % 60, 2);
        digits(text.append('.'), (int) (known % MILLIS_PER_SECOND), 3);
        return text.append('Z').toString();
    }

    private static void date(StringBuilder text, long days) {
        long era = days / DAYS_PER_400_YEARS;
        int day = (int) (days % DAYS_PER_400_YEARS);
        // A century without its leap day, and a year without its own, so that the last day of each stays in it.
        int year = (day - day / (DAYS_PER_4_YEARS - 1) + day / DAYS_PER_100_YEARS - day / (DAYS_PER_400_YEARS - 1))
                / DAYS_PER_YEAR;
        int ofYear = day - (DAYS_PER_YEAR * year + year / 4 - year / 100);
        int monthFromMarch = (5 * ofYear + 2) / 153;
        int dayOfMonth = ofYear - (153 * monthFromMarch + 2) / 5 + 1;
        int month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
        digits(text, (int) (era * 400 + year + (month <= 2 ? 1 : 0)), 4);
        digits(text.append('-'), month, 2);
        digits(text.append('-'), dayOfMonth, 2);
    }

    private static void digits(StringBuilder text, int number, int count) {
        String digits = Integer.toString(number);
        for (int i = digits.length(); i < count; i++) {
            text.append('0');
        }
        text.append(digits);
    }
}
