// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.iptables;

import dev.meshcni.rules.InvalidParameterException;
import dev.meshcni.rules.IpFamily;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import java.util.stream.Collectors;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Address families on a command line: {@code ipv4}, {@code ipv6} or {@code ipv4,ipv6}. */
public record FamilyList(Set<IpFamily> families) {
    private static final String ALLOWED = "it must be ipv4, ipv6 or ipv4,ipv6";

    /**
     * Reads the families.
     *
     * @throws InvalidParameterException if the text is anything else
     */
    static FamilyList parse(String where, String text) {
        Set<IpFamily> families = Arrays.stream(text.split(",", -1))
                .map(part -> Arrays.stream(IpFamily.values())
                        .filter(family -> family.label().equals(part.strip()))
                        .findFirst()
                        .orElseThrow(() -> new InvalidParameterException(where, text, ALLOWED)))
                .collect(Collectors.toCollection(() -> EnumSet.noneOf(IpFamily.class)));
        return new FamilyList(families);
    }

    /** Reads the text of an option. */
    public static final class Converter implements ITypeConverter<FamilyList> {
        /** For picocli, which creates one by reflection. */
        public Converter() {}

        @Override
        public FamilyList convert(String text) {
            try {
                return parse("the value", text);
            } catch (InvalidParameterException e) {
                throw new TypeConversionException(e.getMessage());
            }
        }
    }
}
