#include "tracking/feed_internal.h"

#include <stdlib.h>

/* ---- Personal fields ------------------------------------------------------------------------- */

/* Lower case, without what separates words. Sorted: they are searched by halves. docs/feeds.md
 * lists them. */
static const char *const personal_names[] = {
    "address",       "address1",     "address2",    "addressline1",
    "addressline2",  "addressline3", "adresse",     "adresse1",
    "adresse2",      "anschrift",    "birthdate",   "cell",
    "cellphone",     "city",         "civilite",    "commune",
    "company",       "contactname",  "coordinates", "coordonnees",
    "courriel",      "dateofbirth",  "email",       "emailaddress",
    "familyname",    "firstname",    "fullname",    "geo",
    "geolocation",   "geopoint",     "givenname",   "gps",
    "gpslatitude",   "gpslongitude", "housenumber", "huisnummer",
    "lastname",      "lat",          "latitude",    "latlng",
    "latlon",        "lng",          "lon",         "long",
    "longitude",     "mail",         "mobile",      "mobilephone",
    "naam",          "nachname",     "name",        "neighbor",
    "neighbour",     "nom",          "nomcomplet",  "phone",
    "phonenumber",   "photo",        "plz",         "position",
    "postalcode",    "postcode",     "prenom",      "proofofdelivery",
    "raisonsociale", "rue",          "signature",   "signedby",
    "sms",           "straat",       "strasse",     "street",
    "streetaddress", "surname",      "tel",         "telefon",
    "telefoon",      "telephone",    "town",        "username",
    "ville",         "voisin",       "voornaam",    "vorname",
    "zip",           "zipcode",
};

/* What begins with the name of a person's part in it is about that person: "recipientPhone",
 * "destinataire". */
static const char *const personal_starts[] = {
    "absender",  "addressee",    "afzender",   "client",    "consignee",  "consignor",
    "customer",  "destinataire", "empfaenger", "empfänger", "expediteur", "geadresseerde",
    "ontvanger", "recipient",    "sender",     "shipper",   "signatory",  "signataire",
};

const char *personal_name(size_t i)
{
    return i < sizeof personal_names / sizeof personal_names[0] ? personal_names[i] : NULL;
}

static int compare_names(const void *key, const void *row)
{
    return strcmp(key, *(const char *const *)row);
}

bool field_is_personal(struct text name)
{
    char plain[32];
    size_t length = 0;
    const char *colon = memrchr(name.data, ':', name.length); /* JSON-LD: behind the vocabulary */
    if (colon)
        name = (struct text){colon + 1, (size_t)(name.data + name.length - colon - 1)};
    for (size_t i = 0; i < name.length && length < sizeof plain - 1; i++) {
        char c = name.data[i];
        if (c == '_' || c == '-' || c == ' ' || c == '.')
            continue;
        if (c == '\xc3' && i + 1 < name.length) { /* é and è, with or without */
            unsigned char next = (unsigned char)name.data[i + 1];
            if (next == 0xa8 || next == 0xa9 || next == 0x88 || next == 0x89) {
                plain[length++] = 'e';
                i++;
                continue;
            }
        }
        plain[length++] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
    plain[length] = 0;
    for (size_t i = 0; i < sizeof personal_starts / sizeof personal_starts[0]; i++)
        if (plain[0] == personal_starts[i][0] &&
            strncmp(plain, personal_starts[i], strlen(personal_starts[i])) == 0)
            return true;
    return bsearch(plain, personal_names, sizeof personal_names / sizeof personal_names[0],
                   sizeof personal_names[0], compare_names) != NULL;
}
