// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.InterfaceName;
import dev.meshcni.rules.InvalidParameterException;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.OwnerIds;
import dev.meshcni.rules.Ports;
import java.net.InetAddress;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Function;

/**
 * Parses the text of parameters as annotations, environment variables and flags hold it: the one place where such text
 * becomes a typed value, whatever it holds.
 *
 * <p>Lists are separated by commas; blanks around an item and empty items do not count, and an item given twice counts
 * once. Every method takes first where the text stands, for the {@link InvalidParameterException} it throws when the
 * text is not allowed.
 */
public final class ParameterText {
    /** Everything, where a list may say so. */
    public static final String ALL = "*";

    private static final String PORT_RULE = "a port is a number from 0 to " + Ports.MAX;
    private static final String CIDR_RULE = "an address range is written as 10.0.0.0/8 or 2001:db8::/32";

    private ParameterText() {}

    /** One port. */
    public static int port(String where, String text) {
        return (int) number(where, text, 0, Ports.MAX);
    }

    /** A list of ports, perhaps empty. */
    public static List<Integer> ports(String where, String text) {
        return list(where, text, RedirectParameters.MAX_ITEMS, PORT_RULE, ParameterText::parsePort);
    }

    /** All ports ({@code *}), or a list of them. */
    public static Selection<Integer> portSelection(String where, String text) {
        return isAll(text) ? Selection.all() : Selection.only(ports(where, text));
    }

    /** A list of address ranges of both families; a lone address stands for itself. */
    public static List<Cidr> cidrs(String where, String text) {
        return list(where, text, RedirectParameters.MAX_ITEMS, CIDR_RULE, Cidr::parse);
    }

    /** All addresses ({@code *}), or a list of address ranges. */
    public static Selection<Cidr> cidrSelection(String where, String text) {
        return isAll(text) ? Selection.all() : Selection.only(cidrs(where, text));
    }

    /** A list of interfaces. */
    public static List<InterfaceName> interfaces(String where, String text) {
        return list(
                where,
                text,
                RedirectParameters.MAX_INTERFACES,
                "an interface name has 1 to " + InterfaceName.MAX_LENGTH
                        + " letters, digits, '.', '_', '-' or '@', and does not start with '-'",
                InterfaceName::new);
    }

    /** A list of numeric user or group ids. */
    public static List<Long> ids(String where, String text) {
        return list(
                where,
                text,
                RedirectParameters.MAX_OWNER_GROUPS,
                "a user or group is a number from 0 to " + OwnerIds.MAX,
                ParameterText::parseId);
    }

    /**
     * A list of groups by number or by name.
     *
     * @param byName the id of a group of this name, where names can be looked up; empty for an unknown one
     */
    public static List<Long> groups(String where, String text, Function<String, OptionalLong> byName) {
        return groups(where, text, RedirectParameters.MAX_ITEMS, byName);
    }

    /**
     * All groups ({@code *}), or a list of them by number or by name.
     *
     * @param byName as in {@link #groups(String, String, Function)}
     */
    public static Selection<Long> groupSelection(String where, String text, Function<String, OptionalLong> byName) {
        return isAll(text)
                ? Selection.all()
                : Selection.only(groups(where, text, RedirectParameters.MAX_OWNER_GROUPS, byName));
    }

    /** For {@link #groups(String, String, Function)} where there are no group names, as outside of a pod. */
    public static OptionalLong noGroupNames(String name) {
        return OptionalLong.empty();
    }

    /** A list of literal IP addresses. */
    public static List<InetAddress> addresses(String where, String text) {
        return list(
                where,
                text,
                RedirectParameters.MAX_ITEMS,
                "an address is written as 10.0.0.10 or 2001:db8::10",
                ParameterText::parseAddress);
    }

    /** One literal IP address of a family. */
    public static Cidr host(String where, String text, IpFamily family) {
        try {
            Cidr host = Cidr.host(parseAddress(text.strip()));
            if (host.family() == family) {
                return host;
            }
        } catch (IllegalArgumentException e) {
            // Said below, together with what is allowed.
        }
        throw new InvalidParameterException(where, text, "it must be one " + family.label() + " address");
    }

    /** The IPv4 range that means the pod itself: a part of 127.0.0.0/8. */
    public static Cidr ipv4Loopback(String where, String text) {
        try {
            Cidr range = Cidr.parse(text.strip());
            if (RedirectParameters.isIpv4Loopback(range)) {
                return range;
            }
        } catch (IllegalArgumentException e) {
            // Said below, together with what is allowed.
        }
        throw new InvalidParameterException(where, text, "must be within 127.0.0.0/8, such as 127.0.0.1/32");
    }

    /** An interception mode that redirects. */
    public static InterceptionMode mode(String where, String text) {
        return switch (text.strip()) {
            case "REDIRECT" -> InterceptionMode.REDIRECT;
            case "TPROXY" -> InterceptionMode.TPROXY;
            default -> throw new InvalidParameterException(where, text, "it must be REDIRECT, TPROXY or NONE");
        };
    }

    /** A truth value in the spellings that Istio understands. */
    public static boolean flag(String where, String text) {
        return truth(text).orElseThrow(() -> new InvalidParameterException(where, text, "it must be true or false"));
    }

    /** A truth value in these spellings; empty if it is neither. */
    static Optional<Boolean> truth(String text) {
        return switch (text.strip()) {
            case "1", "t", "T", "true", "TRUE", "True" -> Optional.of(true);
            case "0", "f", "F", "false", "FALSE", "False" -> Optional.of(false);
            default -> Optional.empty();
        };
    }

    /** A whole number in a range, bounds included. */
    public static long number(String where, String text, long least, long most) {
        long value = digits(text.strip());
        if (value < least || value > most) {
            throw new InvalidParameterException(where, text, "it must be a number from " + least + " to " + most);
        }
        return value;
    }

    /** A number of 32 bits, in hexadecimal digits behind {@code 0x} or in decimal ones. */
    public static long hexOrDecimal(String where, String text) {
        String stripped = text.strip();
        if (!stripped.startsWith("0x")) {
            return number(where, text, 0, OwnerIds.MAX + 1);
        }
        try {
            return Integer.toUnsignedLong(Integer.parseUnsignedInt(stripped.substring(2), 16));
        } catch (NumberFormatException e) {
            throw new InvalidParameterException(where, text, "it must be a number of up to 32 bits, such as 0x539");
        }
    }

    private static boolean isAll(String text) {
        return text.strip().equals(ALL);
    }

    private static List<Long> groups(String where, String text, int limit, Function<String, OptionalLong> byName) {
        return list(
                where,
                text,
                limit,
                "a group is a number from 0 to " + OwnerIds.MAX + ", or a name if the pod's groups can be looked up",
                item -> {
                    OptionalLong named = digits(item) >= 0 ? OptionalLong.empty() : byName.apply(item);
                    return named.isPresent() ? OwnerIds.check(named.getAsLong()) : parseId(item);
                });
    }

    /**
     * Reads the items one by one and stops at the first that is wrong or too many, as the text may be of any length.
     */
    private static <T> List<T> list(String where, String text, int limit, String itemRule, Function<String, T> parser) {
        Set<T> items = new LinkedHashSet<>();
        for (int start = 0; start <= text.length(); ) {
            int comma = text.indexOf(',', start);
            int end = comma < 0 ? text.length() : comma;
            String item = text.substring(start, end).strip();
            if (!item.isEmpty()) {
                items.add(parse(where, text, item, itemRule, parser));
            }
            if (items.size() > limit) {
                throw new InvalidParameterException(where, text, "exceeds the limit of " + limit + " entries");
            }
            start = end + 1;
        }
        return List.copyOf(items);
    }

    private static <T> T parse(String where, String text, String item, String itemRule, Function<String, T> parser) {
        try {
            return parser.apply(item);
        } catch (IllegalArgumentException e) {
            throw new InvalidParameterException(
                    where, text, InvalidParameterException.quote(item) + " is not allowed, " + itemRule);
        }
    }

    private static int parsePort(String item) {
        long port = digits(item);
        if (port < 0 || port > Ports.MAX) {
            throw new IllegalArgumentException("not a port");
        }
        return (int) port;
    }

    private static long parseId(String item) {
        return OwnerIds.check(digits(item));
    }

    private static InetAddress parseAddress(String item) {
        Cidr range = Cidr.parse(item);
        if (range.prefixLength() != range.family().addressBits()) {
            throw new IllegalArgumentException("not a single address");
        }
        return range.address();
    }

    /** The value of up to 18 decimal digits, which are ASCII ones; -1 for any other text. */
    private static long digits(String text) {
        boolean number = !text.isEmpty() && text.length() <= 18 && text.chars().allMatch(c -> c >= '0' && c <= '9');
        return number ? Long.parseLong(text) : -1;
    }
}
