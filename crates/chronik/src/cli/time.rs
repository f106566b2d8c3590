//! Record timestamps as people write them: ISO 8601 in UTC, or milliseconds since the epoch.

use chronik_types::Millis;

const DAY_MS: i64 = 86_400_000;

/// `2026-03-01T12:00:00.250Z`; `-` for no timestamp.
pub fn format(timestamp: Millis) -> String {
    if timestamp == Millis::NONE {
        return "-".into();
    }
    let (year, month, day) = date(timestamp.0.div_euclid(DAY_MS));
    let in_day = timestamp.0.rem_euclid(DAY_MS);
    let (hour, minute) = (in_day / 3_600_000, in_day / 60_000 % 60);
    let (second, milli) = (in_day / 1000 % 60, in_day % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// Reads a date (`2026-03-01`), with or without a time (`T12:00`, `T12:00:00`, `T12:00:00.250`) and a `Z`, in UTC.
pub fn parse(text: &str) -> Option<Millis> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let (date, time) = text.split_once(['T', ' ']).unwrap_or((text, "00:00"));
    let mut parts = date.splitn(3, '-');
    let (year, month, day) =
        (number(parts.next()?, 4)?, number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    let (time, milli) = match time.split_once('.') {
        Some((time, fraction)) => (time, number(fraction, 3)?),
        None => (time, 0),
    };
    let mut parts = time.splitn(3, ':');
    let (hour, minute) = (number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    let second = parts.next().map_or(Some(0), |part| number(part, 2))?;
    let days = days(year, month, day);
    if self::date(days) != (year, month, day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(Millis(days * DAY_MS + hour * 3_600_000 + minute * 60_000 + second * 1000 + milli))
}

fn number(digits: &str, len: usize) -> Option<i64> {
    let is_number = digits.len() == len && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok())?
}

/// Days since the epoch of a date in the Gregorian calendar, whose years are counted from March so that the
/// leap day comes last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The inverse of [`days`].
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use chronik_types::Millis;

    use super::{format, parse};

    #[test]
    fn known_instants_are_written_and_read() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_772_323_200_000, "2026-03-01T00:00:00.000Z"),
            (-86_400_000, "1969-12-31T00:00:00.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(format(Millis(millis)), text);
            assert_eq!(parse(text), Some(Millis(millis)), "{text}");
        }
        assert_eq!(format(Millis::NONE), "-");
        assert_eq!(parse("2026-03-01"), Some(Millis(1_772_323_200_000)));
        assert_eq!(parse("2026-03-01T01:00"), Some(Millis(1_772_326_800_000)));
        for bad in ["", "2026", "2026-02-29", "2026-13-01", "2026-03-01T24:00", "2026-3-1", "+026-03-01"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
