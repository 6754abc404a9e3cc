// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import dev.meshcni.config.LogLevels;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Log levels as the value of an option. */
final class LogLevelOption implements ITypeConverter<LogLevels> {
    @Override
    public LogLevels convert(String text) {
        try {
            return LogLevels.parse(text);
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException(e.getMessage());
        }
    }
}
